import { describe, expect, test } from 'vitest'
import type { GovernedRequest } from '../../src/admission/plan-types.ts'
import { CacheOptionSchema } from '../../src/cache/asked.ts'
import { createFindWords } from '../../src/cache/find-words.ts'
import { type CacheAsked, judgeCache } from '../../src/cache/rules.ts'
import { readKey, tenantHash, userHash } from '../../src/cache/walls.ts'
import type { Operation } from '../../src/config/operations.ts'
import { policyWith, request } from './cache-requests.ts'

const policy = policyWith()
const judge = (over: Partial<GovernedRequest>, asked: CacheAsked = {}, cache = '{}') =>
  judgeCache(request(over), asked, cache === '{}' ? policy : policyWith(cache))
const why = (body: object, cache?: string, operation: Operation = 'chat.completions') => {
  const verdict = judge({ body: { ...body }, operation }, {}, cache)
  return verdict.key === null ? verdict.why : null
}

const tool = (name: string) => ({ type: 'function', function: { name } })

describe('what is never cached', () => {
  test.each<[string | null, object]>([
    [null, {}],
    [null, { temperature: 1, n: 1, tools: [], logprobs: true, seed: 7 }],
    ['temperature', { temperature: 1.1 }],
    ['several-answers', { n: 2 }],
    ['tools', { tools: [tool('send_mail')] }],
    ['tools', { tools: [{ type: 'custom', custom: { name: 'run' } }] }],
    ['tools', { functions: [{ name: 'f' }] }],
    ['tools', { tools: [tool('')] }],
    [null, { tools: [tool('send_mail')], tool_choice: 'none' }],
    ['built-in-tool', { web_search_options: {} }],
    ['built-in-tool', { tools: [{ type: 'web_search' }] }],
    ['built-in-tool', { tools: ['what is this?'] }],
  ])('a chat: %s for %j', (expected, body) => {
    expect(why(body)).toBe(expected)
  })

  test.each<[string | null, object]>([
    [null, { input: 'hi' }],
    ['background', { background: true }],
    ['stored-elsewhere', { previous_response_id: 'r' }],
    ['stored-elsewhere', { conversation: 'c' }],
    ['stored-elsewhere', { prompt: { id: 'p' } }],
    ['tools', { tools: [{ type: 'function', name: 'send_mail' }] }],
    ['built-in-tool', { tools: [{ type: 'mcp', server_label: 's' }] }],
    ['built-in-tool', { tools: [{ type: 'code_interpreter' }] }],
  ])('a response: %s for %j', (expected, body) => {
    expect(why(body, '{}', 'responses')).toBe(expected)
  })

  test('functions that the policy calls pure are no hindrance, one other is', () => {
    const pure = '{ responses: { pure_tools: [sum, web_search] } }'
    expect(why({ tools: [tool('sum')] }, pure)).toBeNull()
    expect(why({ tools: [{ type: 'custom', name: 'sum' }] }, pure, 'responses')).toBeNull()
    expect(why({ tools: [tool('sum'), tool('send_mail')] }, pure)).toBe('tools')
    expect(why({ tools: [{ type: 'web_search' }] }, pure)).toBe('built-in-tool')
  })

  test('a policy may draw the line of temperature elsewhere; who names none is above it', () => {
    const strict = '{ responses: { max_temperature: 0.3 } }'
    expect(why({ temperature: 0.3 }, strict)).toBeNull()
    expect(why({ temperature: 0.4 }, strict)).toBe('temperature')
    expect(why({}, strict)).toBe('temperature')
    expect(why({ temperature: 2 }, '{ responses: { max_temperature: 2 } }')).toBeNull()
  })

  const asks = (content: unknown, ...before: object[]) => ({
    messages: [...before, { role: 'user', content }],
  })
  test.each<[string | null, object]>([
    ['time', asks('What is new Today?')],
    ['time', asks('is it open right\n now')],
    ['time', asks([{ type: 'text', text: 'weather tomorrow' }])],
    [null, asks('Explain todays2 and untoday')],
    [null, asks('Explain recursion', { role: 'system', content: 'Today is Monday' })],
    [null, asks('And loops?', { role: 'user', content: 'What is new today?' })],
  ])('a question about a time that passes: %s for %j', (expected, body) => {
    expect(why(body)).toBe(expected)
    expect(why(body, '{ responses: { skip_when: [] } }')).toBeNull()
  })

  test('the words of such questions are the policy’s to choose', () => {
    const german = '{ responses: { skip_when: [heute, "今天", "c++ (neu)"] } }'
    expect(why(asks('Was gibt es HEUTE?'), german)).toBe('time')
    expect(why(asks('今天天气怎么样'), german)).toBe('time')
    expect(why(asks('Was kann C++  (neu)?'), german)).toBe('time')
    expect(why(asks('What is new today?'), german)).toBeNull()
    const input = [{ role: 'user', content: [{ type: 'input_text', text: 'und heute?' }] }]
    expect(why({ input }, german, 'responses')).toBe('time')
    expect(why({ input: 'heute' }, german, 'responses')).toBe('time')
    expect(why({ input: 'heute' }, german, 'embeddings')).toBeNull()
  })

  // Phrases are no patterns: nothing in them or in the text makes the search slow.
  test('looking for words takes no longer than reading the text', () => {
    const find = createFindWords([`${'a '.repeat(40)}b`, '(a+)+$'.repeat(9), 'right now'])
    const startedMs = performance.now()
    for (const text of ['a '.repeat(500_000), 'right '.repeat(200_000), ' '.repeat(1e6)]) {
      expect(find(text)).toBeNull()
    }
    expect(performance.now() - startedMs).toBeLessThan(1_000)
  })

  test('a model that the tier may not use has no key', () => {
    expect(judge({ model: 'gpt-6-astra' })).toEqual({ key: null, mode: 'on', why: 'model' })
  })
})

describe('who may be served', () => {
  const wall = (asked: CacheAsked, cache?: string) => readKey(judge({}, asked, cache).key ?? '')
  const tenant = tenantHash('acme')
  const user = userHash('acme', 'u42')

  test('is the tenant, unless the policy says otherwise', () => {
    expect(wall({})).toMatchObject({ share: 'tenant', tenant })
    expect(wall({}, '{ responses: { share: user } }')).toMatchObject({ share: 'user', user })
    expect(wall({}, '{ responses: { share: shared } }')).toMatchObject({ share: 'shared' })
  })

  // Red when `narrower` is left out.
  test('is narrowed by a request, and never widened', () => {
    expect(wall({ share: 'user' })).toMatchObject({ share: 'user', tenant, user })
    expect(wall({ share: 'shared' })).toMatchObject({ share: 'tenant' })
    expect(wall({ share: 'shared' }, '{ responses: { share: user } }')).toMatchObject({ user })
    expect(wall({ share: 'tenant' }, '{ responses: { share: shared } }')).toMatchObject({ tenant })
  })
})

describe('mode and time', () => {
  test('are the request’s own, else the policy’s, and off where the cache is', () => {
    const reading = '{ responses: { mode: read, ttl: 10m, max_ttl: 1h } }'
    expect(judge({})).toMatchObject({ mode: 'on', ttlMs: 3_600_000 })
    expect(judge({}, {}, reading)).toMatchObject({ mode: 'read', ttlMs: 600_000 })
    expect(judge({}, { mode: 'refresh', ttlMs: 60_000 }, reading)).toMatchObject({
      mode: 'refresh',
      ttlMs: 60_000,
    })
    expect(judge({}, { ttlMs: 1e9 }, reading)).toMatchObject({ ttlMs: 3_600_000 })
    expect(judge({}, { mode: 'off' })).toEqual({ key: null, mode: 'off', why: 'asked' })
    const off = '{ responses: { mode: off } }'
    expect(judge({}, {}, off)).toEqual({ key: null, mode: 'off', why: 'policy' })
    expect(judge({}, { mode: 'on' }, off)).toMatchObject({ mode: 'on', ttlMs: 3_600_000 })
    const none = '{ responses: { enabled: false } }'
    expect(judge({}, { mode: 'only' }, none)).toEqual({ key: null, mode: 'only', why: 'policy' })
  })

  test('of embeddings are those of embeddings', () => {
    const over = { operation: 'embeddings', body: { input: 'today' } } as const
    expect(judge(over)).toMatchObject({ mode: 'on', ttlMs: 86_400_000 })
    expect(judge(over, {}, '{ embeddings: { enabled: false } }')).toMatchObject({ why: 'policy' })
    expect(judge(over, {}, '{ responses: { enabled: false } }')).toMatchObject({ mode: 'on' })
    expect(judge({}, {}, '{ embeddings: { enabled: false } }')).toMatchObject({ mode: 'on' })
  })
})

describe('the policy', () => {
  test.each([
    ['mode: fresh', '"fresh" is none of these; did you mean "refresh"?'],
    ['share: everyone', 'write one of: user, tenant, shared'],
    ['max_temperature: 3', '3 does not fit here; write 2 or less'],
    ['pure_tools: sum', '"sum" does not fit here; write a list [ ... ]'],
    ['skip_when: [""]', 'write a word or a phrase, e.g. "right now"'],
    ['prefix: "a b"', 'write letters, digits, ".", "_" and "-", at most 64'],
    ['max_ttl: 5', 'write a duration such as 500ms, 90s, 5m, 1h or 7d'],
    ['modes: on', 'unknown key; did you mean "mode"?'],
  ])('with %s says where, and what to write instead', (written, mend) => {
    const line = 'bursar.yaml:20:'
    expect(() => policyWith(`{ responses: { ${written} } }`)).toThrow(line)
    expect(() => policyWith(`{ responses: { ${written} } }`)).toThrow(mend)
  })
})

describe('what a request writes', () => {
  test.each<[unknown, CacheAsked]>([
    [true, { mode: 'on' }],
    [false, { mode: 'off' }],
    ['refresh', { mode: 'refresh' }],
    [{ ttl: '10m' }, { ttlMs: 600_000 }],
    [
      { mode: 'write', ttl: 5_000, share: 'user' },
      { mode: 'write', ttlMs: 5_000, share: 'user' },
    ],
    [{}, {}],
  ])('%j is read', (written, asked) => {
    expect(CacheOptionSchema.parse(written)).toEqual(asked)
  })

  test.each([['fresh'], [1], [{ ttl: 'soon' }], [{ ttl: 0 }], [{ mode: 'x' }], [{ max: 1 }]])(
    '%j is refused',
    (written) => {
      expect(CacheOptionSchema.safeParse(written).success).toBe(false)
    },
  )
})
