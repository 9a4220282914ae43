import { describe, expect, test } from 'vitest'
import { chainOf, governing } from '../../src/admission/model/chains.ts'
import { amountFor } from '../../src/admission/model/rungs.ts'
import { requestLimits } from '../../src/admission/plan/limit-lines.ts'
import { budgetChain } from '../../src/admission/plan/window-lines.ts'
import { planRequest } from '../../src/admission/plan.ts'
import type { GovernedRequest, Plan } from '../../src/admission/plan-types.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { chat, NOW_MS, policyOf, request, response } from './plan-policy.ts'

const policy = policyOf()
const prices = createPriceBook(policy)
const plan = (asked: GovernedRequest, nowMs = NOW_MS): Plan =>
  planRequest({ policy, prices, request: asked, nowMs })

function okPlan(asked: GovernedRequest): Extract<Plan, { ok: true }> {
  const made = plan(asked)
  if (!made.ok) throw new Error(made.message)
  return made
}

const modelsOf = (asked: GovernedRequest): string[] =>
  okPlan(asked).rungs.map(({ rung }) => rung.model)
const capsOf = (asked: GovernedRequest): number[] =>
  okPlan(asked).offers.map(({ capTokens }) => capTokens)
const keysOf = (over: Partial<GovernedRequest>): string[] =>
  budgetChain(policy, request(over), NOW_MS).map(({ key }) => key)

describe('the chain of budgets', () => {
  test('has every budget whose scope covers the request, and the tier’s own per user', () => {
    expect(keysOf({ tags: { feature: 'tutor' } })).toEqual([
      'company:2026-11',
      'tenants/acme:2026-W47',
      'acme:2026',
      'people/acme/u42:2026-11-21',
      'levels/basic:2026-11-21T1405',
      'features/tutor:2026-11-21',
      'tutor:2026-11-21',
      'tier.basic/acme/u42:2026-11-21T14',
    ])
    expect(
      keysOf({ tenant: 'globex', user: 'boss', tier: 'open', tags: { feature: 'x' } }),
    ).toEqual([
      'company:2026-11',
      'tenants/globex:2026-W47',
      'people/globex/boss:2026-11-21',
      'boss:2026-11-21',
      'levels/open:2026-11-21T1405',
      'level:2026-11-21',
      'features/x:2026-11-21',
    ])
  })

  test('carries limit, marks and the window in the budget’s own timezone', () => {
    const [company, ...rest] = budgetChain(policy, request({ tags: { feature: 'x' } }), NOW_MS)
    expect(company).toEqual({
      key: 'company:2026-11',
      startMs: Date.UTC(2026, 10, 1),
      endMs: Date.UTC(2026, 11, 1),
      limitNano: 2_000_000_000_000,
      marks: [50, 80],
    })
    const berlin = rest.find(({ key }) => key.startsWith('features'))
    expect(berlin?.startMs).toBe(Date.UTC(2026, 10, 20, 23))
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'a tag, user or tenant called %s is a name like others',
    (name) => {
      const tagged = policyOf((text) => text.replace('{ tag: feature }', `{ tag: ${name} }`))
      expect(() => budgetChain(tagged, request(), NOW_MS)).not.toThrow()
      expect(budgetChain(tagged, request(), NOW_MS).map(({ key }) => key)).toEqual(keysOf({}))
      expect(keysOf({ user: name, tenant: name })).toContain(`people/${name}/${name}:2026-11-21`)
      expect(plan(request({ tier: name }))).toMatchObject({ ok: false, code: 'UNKNOWN_TIER' })
      expect(requestLimits(policy, request({ tier: name })).map(({ key }) => key)).toEqual([
        'burst/acme/u42',
        'door',
      ])
      const odd = plan(request({ tier: 'open', model: `${name}/x` }))
      expect(odd).toMatchObject({ ok: false, code: 'UNKNOWN_MODEL' })
    },
  )
})

describe('budgets and limits of models and providers', () => {
  const own = policyOf((text) =>
    text.replace(
      'limits:\n',
      `  - { id: models, scope: model, usd: "7", per: day }
  - { id: dear, scope: { model: gpt-6-astra }, usd: "3", per: day }
  - { id: bought, scope: { provider: openai }, usd: "70", per: month }
limits:
  - { id: big-lanes, scope: { model: gpt-6-astra }, concurrent: 2 }
`,
    ),
  )
  const planned = (over: Partial<GovernedRequest>) => {
    const made = planRequest({
      policy: own,
      prices: createPriceBook(own),
      request: request(over),
      nowMs: NOW_MS,
    })
    if (!made.ok) throw new Error(made.message)
    return made
  }
  /** The names of what governs each rung. */
  const governed = (over: Partial<GovernedRequest>) => {
    const made = planned(over)
    return made.offers.map((offer) => {
      const { windows, limits } = governing(made, chainOf(made, offer))
      const names = [...windows, ...limits].map(({ item }) => item.key.split(':')[0] ?? '')
      return names.filter((name) => /^(models|dear|bought|big-lanes|company|lanes)/.test(name))
    })
  }

  test('each rung is paid from its own model’s and provider’s budgets beside those of who asks', () => {
    expect(governed({})).toEqual([
      ['company', 'models/gpt-6-astra', 'dear', 'bought', 'big-lanes', 'lanes/acme'],
      ['company', 'models/gpt-6-sol', 'bought', 'lanes/acme'],
      ['company', 'models/gpt-6-luna', 'bought', 'lanes/acme'],
    ])
    expect(governed({ tier: 'narrow' })).toEqual([
      ['company', 'models/gpt-6-luna', 'bought', 'lanes/acme'],
      ['company', 'models/local%2Fsmall', 'lanes/acme'],
    ])
  })

  test('rungs that are governed alike share a chain, and a policy without such budgets has none', () => {
    expect(planned({}).chains).toHaveLength(3)
    expect(okPlan(request()).chains).toEqual([])
    expect(okPlan(request()).offers.every(({ chain }) => chain === undefined)).toBe(true)
  })

  test('who asks about a quota is told of the budgets that hold whatever serves', () => {
    expect(budgetChain(own, request(), NOW_MS)).toEqual(budgetChain(policy, request(), NOW_MS))
  })
})

describe('limits', () => {
  test('are split into those of intake and those that go with the hold', () => {
    expect(requestLimits(policy, request())).toEqual([
      { kind: 'sliding-window', key: 'tier.basic/acme/u42', limit: 50, perMs: 3_600_000 },
      { kind: 'token-bucket', key: 'burst/acme/u42', limit: 60, perMs: 60_000, burst: 10 },
      { kind: 'sliding-window', key: 'door', limit: 1_000, perMs: 60_000 },
    ])
    expect(okPlan(request()).limits).toEqual([
      { kind: 'sliding-window', key: 'tpm/acme', limit: 50_000, perMs: 60_000 },
      { kind: 'concurrent', key: 'lanes/acme', limit: 20 },
    ])
    expect(requestLimits(policy, request({ tier: 'open' }))).toHaveLength(2)
  })
})

describe('the rungs', () => {
  test.each<[string, Partial<GovernedRequest>, string[]]>([
    ['auto starts at the top', {}, ['gpt-6-astra', 'gpt-6-sol', 'gpt-6-luna']],
    ['auto, pinned, stays there', { pinned: true }, ['gpt-6-astra']],
    ['a name starts at its own rung', { model: 'gpt-6-sol' }, ['gpt-6-sol', 'gpt-6-luna']],
    ['a name, pinned, stays there', { model: 'gpt-6-sol', pinned: true }, ['gpt-6-sol']],
    ['off the ladder, any model', { model: 'gpt-4', tier: 'open' }, ['gpt-4']],
    ['off the ladder, a listed model', { model: 'gpt-4', tier: 'narrow' }, ['gpt-4']],
    ['off the ladder, at another provider', { model: 'local/any', tier: 'narrow' }, ['local/any']],
  ])('%s', (_, over, models) => {
    expect(modelsOf(request(over))).toEqual(models)
  })

  test.each<[string, Partial<GovernedRequest>]>([
    ['not listed', { model: 'gpt-4' }],
    ['listed by a tier with another name', { model: 'gpt-4', tier: 'basic' }],
    ['without a price', { model: 'no-such-model', tier: 'open' }],
    ['empty', { model: '', tier: 'open' }],
  ])('a model that is %s is refused, with what to use', (_, over) => {
    const refused = plan(request(over))
    expect(refused).toMatchObject({ ok: false, code: 'UNKNOWN_MODEL' })
    expect(refused.ok ? '' : refused.message).toContain("use 'auto'")
  })

  test('a name with a slash is of the provider before it, when there is one', () => {
    const [local] = okPlan(request({ model: 'local/any', tier: 'narrow' })).rungs
    expect(local?.rung).toMatchObject({ provider: 'local', upstreamModel: 'any' })
    const own = policyOf(
      (text) => `${text}prices: [{ model: meta-llama/odd, input: "1", output: "2" }]\n`,
    )
    const made = planRequest({
      policy: own,
      prices: createPriceBook(own),
      request: request({ model: 'meta-llama/odd', tier: 'open' }),
      nowMs: NOW_MS,
    })
    expect(made.ok && made.rungs[0]?.rung).toMatchObject({
      provider: 'openai',
      upstreamModel: 'meta-llama/odd',
    })
  })

  test('parks deferrable and batch work of a tier that parks, never interactive work', () => {
    const parks = (over: Partial<GovernedRequest>) => okPlan(request(over)).parks
    expect(parks({})).toBe(false)
    expect(parks({ urgency: 'deferrable' })).toBe(true)
    expect(parks({ urgency: 'batch' })).toBe(true)
    expect(parks({ urgency: 'batch', tier: 'narrow' })).toBe(false)
  })
})

describe('caps', () => {
  test.each<[object, number[]]>([
    [{}, [4_096, 4_096, 1_024]],
    [{ max_tokens: 100 }, [100, 100, 100]],
    [{ max_completion_tokens: 2_000 }, [2_000, 2_000, 1_024]],
    [{ max_output_tokens: 300 }, [300, 300, 300]],
    [{ max_tokens: 500, max_completion_tokens: 200 }, [200, 200, 200]],
    [{ max_tokens: null, max_completion_tokens: 10_000_000 }, [10_000_000, 10_000_000, 1_024]],
  ])('%j', (fields, caps) => {
    expect(capsOf(chat(fields))).toEqual(caps)
  })

  test('the floor is the policy’s, or the cap when that is lower', () => {
    const floors = (fields: object) => okPlan(chat(fields)).offers.map((offer) => offer.floorTokens)
    expect(floors({})).toEqual([256, 256, 256])
    expect(floors({ max_tokens: 10 })).toEqual([10, 10, 10])
  })

  test('n choices are n outputs and one input', () => {
    const [one] = okPlan(chat({})).offers
    const [three] = okPlan(chat({ n: 3 })).offers
    expect(three?.outputPico).toBe(3 * (one?.outputPico ?? 0))
    expect(three?.fixedNano).toBe(one?.fixedNano)
  })

  test('embeddings have no output to hold for', () => {
    const asked = request({
      ...{ operation: 'embeddings', model: 'text-embedding-3-small', tier: 'open' },
      body: { input: ['some text', 'more text'] },
    })
    const [offer] = okPlan(asked).offers
    expect(offer).toMatchObject({ capTokens: 0, floorTokens: 0 })
    expect(offer && amountFor(offer, 0)).toBe(offer?.fixedNano)
    expect(offer?.fixedNano).toBeGreaterThan(0)
  })
})

describe('what is held for the input', () => {
  test('is counted for each model by its own tokenizer, and more where that is not known', () => {
    const text = 'Größenwahn und Überschwang, 日本語の文章 '.repeat(50)
    const asked = { body: { messages: [{ role: 'user', content: text }] } }
    const input = (over: Partial<GovernedRequest>) =>
      okPlan(request({ ...asked, ...over })).offers.map(({ inputTokens }) => inputTokens)
    const [modern = 0] = input({})
    const [older = 0] = input({ model: 'gpt-4', tier: 'open' })
    const [, unknown = 0] = input({ tier: 'narrow' })
    expect(older).toBeGreaterThan(modern)
    expect(unknown).toBeGreaterThan(modern)
  })
})

describe('service tiers', () => {
  const tiersOf = (fields: object) => okPlan(chat(fields)).rungs.map(({ rung }) => rung.serviceTier)

  test('one is always sent where a project may have a dearer one of its own', () => {
    expect(tiersOf({})).toEqual(['default', 'flex', 'default'])
    expect(tiersOf({ service_tier: 'auto' })).toEqual(['default', 'flex', 'default'])
    expect(tiersOf({ service_tier: 'priority' })).toEqual(['priority', 'flex', 'priority'])
    expect(tiersOf({ service_tier: 'flex' })).toEqual(['flex', 'flex', 'flex'])
    const [, local] = okPlan(request({ tier: 'narrow' })).rungs
    expect(local?.rung.serviceTier).toBeNull()
  })

  test('is what is held for', () => {
    const held = (service_tier: string) => okPlan(chat({ service_tier })).offers[0]?.outputPico ?? 0
    expect(held('priority')).toBe(2 * held('default'))
    expect(held('flex') * 2).toBe(held('default'))
    expect(held('auto')).toBe(held('default'))
  })

  test('priority that falls back to the default tier is covered even when it is priced below it', () => {
    const odd = policyOf((text) => `${text}multipliers: { priority: 10 }\n`)
    const asked = chat({ service_tier: 'priority' })
    const made = planRequest({
      policy: odd,
      prices: createPriceBook(odd),
      request: asked,
      nowMs: NOW_MS,
    })
    expect(made.ok && made.offers[0]?.outputPico).toBe(okPlan(chat({})).offers[0]?.outputPico)
  })
})

const part = (one: object) => ({ messages: [{ role: 'user', content: [one] }] })
const item = (one: object) => ({ input: [one] })
const PDF = 'data:application/pdf;base64,JVBERi0xLjQ='
const TEXT = 'data:text/plain;base64,aGVsbG8='

describe('what no hold can bound is refused, with what to send instead', () => {
  test.each<[GovernedRequest, string]>([
    [chat({ n: 0 }), 'n cannot be held for as it is: write a whole number from 1 to 128'],
    [chat({ n: '5' }), 'n cannot'],
    [chat({ n: 129 }), 'n cannot'],
    [chat({ best_of: 3 }), 'best_of cannot'],
    [chat({ max_tokens: 0 }), 'max_tokens cannot'],
    [chat({ max_tokens: '100' }), 'from 1 to 10000000'],
    [chat({ max_completion_tokens: 1.5 }), 'max_completion_tokens cannot'],
    [response({ max_output_tokens: 2 ** 31 }), 'max_output_tokens cannot'],
    [chat({ service_tier: 'scale' }), "write 'default', 'flex' or 'priority'"],
    [chat({ modalities: ['text', 'audio'] }), "write modalities: ['text']"],
    [chat({ audio: { voice: 'alloy', format: 'mp3' } }), 'audio cannot'],
    [chat({ prediction: { type: 'content', content: 'x' } }), 'prediction cannot'],
    [chat({ web_search_options: {} }), 'offer a function'],
    [chat({ plugins: [{ id: 'web' }] }), 'plugins cannot'],
    [chat({ models: ['dearer'] }), 'models cannot'],
    [chat({ tools: [{ type: 'web_search' }] }), 'tools[0] is of type web_search'],
    [chat({ messages: [{ role: 'assistant', audio: { id: 'a1' } }] }), 'messages[0].audio'],
    [chat(part({ type: 'file', file: { file_id: 'f1' } })), 'messages[0].content[0] cannot'],
    [chat(part({ type: 'file', file: { file_data: PDF } })), 'send its text'],
    [chat(part({ type: 'video_url', video_url: { url: 'https://x' } })), 'is of type video_url'],
    [response({ previous_response_id: 'r1' }), 'send the earlier turns'],
    [response({ conversation: { id: 'c' } }), 'conversation cannot'],
    [response({ prompt: { id: 'p' } }), 'write it out in instructions'],
    [response({ background: true }), "urgency: 'deferrable'"],
    [response({ context_management: [{ type: 'compaction' }] }), 'context_management cannot'],
    ...[
      ...['web_search', 'web_search_preview', 'file_search', 'computer_use_preview', 'mcp'],
      ...['code_interpreter', 'image_generation', 'local_shell', 'shell', 'apply_patch'],
      ...['namespace', 'tool_search'],
    ].map((type): [GovernedRequest, string] => [
      response({ tools: [{ type: 'function', name: 'f' }, { type }] }),
      `tools[1] is of type ${type}`,
    ]),
    [response({ tools: [null] }), 'tools[0] is of type undefined'],
    ...[
      ...['item_reference', 'web_search_call', 'file_search_call', 'computer_call_output'],
      ...['mcp_call', 'image_generation_call', 'additional_tools', 'compaction', 'program'],
    ].map((type): [GovernedRequest, string] => [
      response(item({ type, id: 'i' })),
      `input[0] is of type ${type}`,
    ]),
    [
      response(
        item({ type: 'function_call_output', call_id: 'c', output: [{ type: 'input_image' }] }),
      ),
      'input[0].output[0] cannot',
    ],
    [
      response(item({ role: 'user', content: [{ type: 'input_file', file_url: 'https://x' }] })),
      'input[0].content[0] cannot',
    ],
    [request({ operation: 'embeddings', body: { input: [{ image: 'x' }] } }), 'a list of texts'],
    [request({ operation: 'embeddings', body: { input: [['a']] } }), 'a list of texts'],
    [request({ operation: 'embeddings', body: {} }), 'a list of texts'],
  ])('%#: %s', (asked, mend) => {
    const refused = plan(asked)
    expect(refused).toMatchObject({ ok: false, code: 'INVALID_REQUEST' })
    expect(refused.ok ? '' : refused.message).toContain(mend)
  })

  test.each<[string, GovernedRequest]>([
    ['nulls', chat({ n: null, max_tokens: null, modalities: null, audio: null, tools: null })],
    ['text alone', chat({ modalities: ['text'] })],
    [
      'own tools',
      chat({ tools: [{ type: 'function', function: { name: 'f' } }, { type: 'custom' }] }),
    ],
    ['images', chat(part({ type: 'image_url', image_url: { url: 'https://x' } }))],
    ['sound', chat(part({ type: 'input_audio', input_audio: { data: 'aaaa', format: 'mp3' } }))],
    ['a text file', chat(part({ type: 'file', file: { file_data: TEXT } }))],
    ['a refusal', chat(part({ type: 'refusal', refusal: 'no' }))],
    ['no background', response({ background: false, previous_response_id: null })],
    [
      'a tool’s answer and reasoning',
      response({
        input: [
          { type: 'reasoning', summary: [], encrypted_content: 'x' },
          { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
          { type: 'function_call_output', call_id: 'c', output: 'ok' },
          {
            type: 'function_call_output',
            call_id: 'c',
            output: [{ type: 'input_text', text: 'x' }],
          },
          { role: 'user', content: 'go on' },
        ],
      }),
    ],
    ['fields that nobody knows', chat({ top_k: 5, verbosity: 'low' })],
  ])('%s may be held for', (_, asked) => {
    expect(plan(asked)).toMatchObject({ ok: true })
  })

  test('tokens are embedded as they are', () => {
    const embed = (input: unknown) =>
      plan(
        request({
          operation: 'embeddings',
          tier: 'open',
          model: 'text-embedding-3-small',
          body: { input },
        }),
      )
    for (const input of ['a', ['a', 'b'], [1, 2, 3], [[1, 2], [3]]]) {
      expect(embed(input)).toMatchObject({ ok: true })
    }
  })
})
