import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GovernedRequest } from '../../src/admission/plan-types.ts'
import { fingerprint, isCacheable } from '../../src/cache/fingerprint.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

const request = (over: Partial<GovernedRequest> = {}): GovernedRequest => ({
  operation: 'chat.completions',
  model: 'auto',
  body: { messages: [{ role: 'user', content: 'Explain recursion' }], temperature: 0.2 },
  tenant: 'acme',
  user: 'u42',
  tier: 'basic',
  tags: {},
  urgency: 'interactive',
  pinned: false,
  ...over,
})
const withBody = (body: object) => request({ body: { ...body } })
const of = (body: object) => fingerprint(withBody(body))

/** A JSON value written in another order of its keys. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [key, turned(inner)] as const)
  return Object.fromEntries(entries.toReversed())
}

const json = fc.jsonValue({ maxDepth: 3 })
// `__proto__` written in an object literal is no key; in JSON it is one, but no API has such a field.
const body = fc.dictionary(
  fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
  json,
  {
    maxKeys: 6,
  },
)

describe('fingerprint', () => {
  // A change here empties every cache at the next release: it must be meant, and VERSION with it.
  test.each<[string, Partial<GovernedRequest>, string]>([
    [
      'a chat',
      {},
      'eb737e40d6ac063f:1c8d6b877c5d60b5100a332d701df2243bcc7d2a6e9163b3a32fde90b5817a1b',
    ],
    [
      'pinned',
      { pinned: true },
      'eb737e40d6ac063f:7512e68dc97303f2ed7a4ea49efcbd48121aa8dde561edbabc994acf4cc7ccd5',
    ],
    [
      'embeddings',
      { operation: 'embeddings', model: 'text-embedding-3-small', body: { input: ['a', 'b'] } },
      'eb737e40d6ac063f:4c09f41a792b1a55550b7e2c744fd0b432d97071a84b7b13ce09f9de6b15c032',
    ],
    [
      'every script',
      {
        tenant: 'Zoë/日本:1',
        body: { input: 'π ≠ "3"\n\u0000😀', max_output_tokens: 1e3 },
        operation: 'responses',
      },
      '7b284884156cf679:98c8872836dd7577f8bc8ab975586e4d44b8e8dd7a370d76c01f96c9ef68ea1e',
    ],
  ])('of %s is what it always was', (_, over, expected) => {
    expect(fingerprint(request(over))).toBe(expected)
  })

  test('is the same however a request is written: order of keys, blanks outside strings, form of numbers', () => {
    const law = fc.property(body, fc.nat(8), (fields, indent) => {
      const again: unknown = JSON.parse(JSON.stringify(turned(fields), null, indent))
      expect(of(again as object)).toBe(of(fields))
    })
    fc.assert(law, { numRuns: 300 })
    expect(of(JSON.parse('{"temperature":1.0,"x":1e2}'))).toBe(of({ x: 100, temperature: 1 }))
  })

  test.each([
    [{ n: 1 }, {}],
    [{ stop: null, tools: undefined }, {}],
    [{ background: false }, {}],
    [{ stream: true, stream_options: { include_usage: true } }, {}],
    [{ user: 'x', safety_identifier: 'y', metadata: { a: 'b' }, store: true }, {}],
    [{ service_tier: 'flex', prompt_cache_key: 'k', prompt_cache_retention: '24h' }, {}],
  ])('%j changes nothing about the answer', (a, b) => {
    expect(of(a)).toBe(of(b))
  })

  test('is the same for every user of a tenant, whatever their tags and urgency', () => {
    const other = request({ user: 'u7', tags: { feature: 'x' }, urgency: 'batch' })
    expect(fingerprint(other)).toBe(fingerprint(request()))
  })

  // Law 9. Red when one of these is left out of the hash.
  test('is never the same for two requests that differ', () => {
    const said = (system: string, ...turns: string[]) => ({
      messages: [
        { role: 'system', content: system },
        ...turns.map((content, at) => ({ role: at % 2 ? 'assistant' : 'user', content })),
      ],
    })
    const tool = (name: string) => ({ tools: [{ type: 'function', function: { name } }] })
    const plain = said('be kind', 'hi')
    const all = [
      request(),
      request({ tenant: 'globex' }),
      request({ tenant: 'acme ' }),
      request({ tenant: 'acme\n{}' }),
      request({ tenant: 'acme\ud800' }),
      request({ tenant: 'acme\ud801' }),
      request({ tenant: 'acme\ufffd' }),
      request({ model: 'gpt-6-sol' }),
      request({ tier: 'premium' }),
      request({ pinned: true }),
      request({ operation: 'responses' }),
      ...[plain, said('be  kind', 'hi'), said('be kind', 'hi '), said('be kind', 'a', 'b', 'hi')],
      ...[said('be kind', 'a', 'c', 'hi'), { ...plain, ...tool('f') }, { ...plain, ...tool('g') }],
      ...[
        { ...plain, temperature: 0 },
        { ...plain, temperature: 0.1 },
        { ...plain, n: 2 },
      ],
      ...[
        { ...plain, max_tokens: 5 },
        { ...plain, max_tokens: 6 },
        { ...plain, top_p: 1 },
      ],
      ...[
        { ...plain, response_format: { type: 'json_object' } },
        { ...plain, unknown: true },
      ],
      ...[
        { ...plain, unknown: 'true' },
        { ...plain, seed: 1 },
        { ...plain, reasoning_effort: 'low' },
      ],
    ].map((one) => fingerprint('operation' in one ? one : withBody(one)))
    expect(new Set(all).size).toBe(all.length)
  })

  test('of generated requests is the same exactly when they are', () => {
    const part = fc.record({
      tenant: fc.constantFrom('a', 'b', 'a/b'),
      model: fc.constantFrom('auto', 'm'),
      tier: fc.constantFrom('t', 'u'),
      pinned: fc.boolean(),
      body: fc.dictionary(
        fc.constantFrom('input', 'x', 'y'),
        fc.oneof(fc.nat(2), fc.constantFrom('1', '', 'a')),
        { maxKeys: 3 },
      ),
    })
    const law = fc.property(part, part, (a, b) => {
      const same = fingerprint(request(a)) === fingerprint(request(b))
      const canonical = ({ body: fields, ...rest }: typeof a) =>
        JSON.stringify([
          rest.tenant,
          rest.model,
          rest.tier,
          rest.pinned,
          Object.entries(fields).toSorted(),
        ])
      expect(same).toBe(canonical(a) === canonical(b))
    })
    fc.assert(law, { numRuns: 2_000 })
  })

  test('begins with the tenant alone, so that one tenant can be emptied', () => {
    const [wall, rest] = fingerprint(request()).split(':')
    expect(wall).toMatch(/^[0-9a-f]{16}$/)
    expect(rest).toMatch(/^[0-9a-f]{64}$/)
    expect(fingerprint(request({ model: 'x' })).split(':')[0]).toBe(wall)
  })
})

const POLICY = `
version: 1
identity: { default_tier: basic }
tiers: { basic: { ladder: l } }
ladders: { l: [{ model: gpt-6-luna }] }
providers: { openai: { base_url: "https://api.openai.com/v1" } }
`
const policyWith = (cache: string) =>
  parsePolicy(`${POLICY}cache: ${cache}\n`, { env: {}, prices: createPriceBook, nowMs: 0 })

describe('isCacheable', () => {
  const policy = policyWith('{}')
  test.each<[boolean, object]>([
    [true, {}],
    [true, { temperature: 1, n: 1, tools: [], background: false }],
    [false, { temperature: 1.1 }],
    [false, { n: 2 }],
    [false, { tools: [{ type: 'function' }] }],
    [false, { functions: [{ name: 'f' }] }],
    [false, { previous_response_id: 'r' }],
    [false, { conversation: 'c' }],
  ])('is %s for %j', (expected, fields) => {
    expect(isCacheable(withBody(fields), policy)).toBe(expected)
  })

  test('asks the part of the policy that the operation belongs to', () => {
    const embeddings = request({ operation: 'embeddings', body: { input: 'a' } })
    const off = policyWith('{ embeddings: { enabled: false } }')
    expect(isCacheable(embeddings, off)).toBe(false)
    expect(isCacheable(request(), off)).toBe(true)
    expect(isCacheable(request(), policyWith('{ responses: { enabled: false } }'))).toBe(false)
  })
})
