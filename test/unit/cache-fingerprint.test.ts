import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GovernedRequest } from '../../src/admission/plan-types.ts'
import { fingerprint } from '../../src/cache/fingerprint.ts'
import type { CacheShare } from '../../src/config/cache-types.ts'
import type { Operation } from '../../src/config/operations.ts'
import { policyWith, request } from './cache-requests.ts'

const policy = policyWith()
const keyOf = (one: GovernedRequest, share: CacheShare = 'tenant') =>
  fingerprint(one, policy, share)
const of = (body: object, operation: Operation = 'chat.completions', tier = 'basic') =>
  keyOf(request({ body: { ...body }, operation, tier }))

describe('fingerprint', () => {
  // A change here empties every cache at the next release. When it is meant, bump VERSION in src/cache/fingerprint.ts
  // and pin what the test then finds; when VERSION alone changes, all of these do.
  test.each<[string, Partial<GovernedRequest>, CacheShare, string]>([
    [
      'a chat',
      {},
      'tenant',
      'b9510057a95822a0:c2f49c9e1ba6ca3a3b1ccffd454c0a1b30c1d952fca260c533449110e07fc2f3',
    ],
    [
      'a chat of one user',
      {},
      'user',
      'b9510057a95822a0.5529e595b2034e58:fc1c9d1e3c599aca4667cabd7b65ea747a34948a63b435c12025f6096490edf0',
    ],
    [
      'a chat for everybody',
      {},
      'shared',
      'shared:adbeecd6f9d22805e8819992306f2d31730b74fee1c5459b95ed83349273db52',
    ],
    [
      'pinned',
      { pinned: true },
      'tenant',
      'b9510057a95822a0:2711ee64d3f2197dd8ad9c887243a606fc7dbff4211487db34cea90ca5faa7e6',
    ],
    [
      'a model by its name',
      { tier: 'gold', model: 'gpt-6-astra' },
      'tenant',
      'b9510057a95822a0:6c9b128091efdf1e058b4ab2872c2b12ff98e8ae5f5f83a6937c2e4ae208f454',
    ],
    [
      'embeddings',
      {
        operation: 'embeddings',
        tier: 'gold',
        model: 'text-embedding-3-small',
        body: { input: ['a', 'b'] },
      },
      'tenant',
      'b9510057a95822a0:b40b2d0275e84e2836e4877dba3c71cbef143b33928c03b79730362f4d8b8ca7',
    ],
    [
      'every script',
      {
        tenant: 'Zoë/日本:1',
        body: { input: 'π ≠ "3"\n\u0000😀', max_output_tokens: 1e3 },
        operation: 'responses',
      },
      'tenant',
      '611b6906a954edb1:bb8ca294e625585a29fbde3ce4f5117f8512a6a42d827c0984d9f00984c8c7e6',
    ],
  ])('of %s is what it always was', (_, over, share, expected) => {
    expect(keyOf(request(over), share)).toBe(expected)
  })

  test.each<[object, object, Operation?]>([
    [{ n: 1, logprobs: false }, {}],
    [{ stop: null, tools: undefined }, {}],
    [{ tools: [], functions: [] }, {}],
    [{ stream: true, stream_options: { include_usage: true } }, {}],
    [{ user: 'x', safety_identifier: 'y', metadata: { a: 'b' }, store: true }, {}],
    [{ service_tier: 'flex', prompt_cache_key: 'k', prompt_cache_retention: '24h' }, {}],
    [{ max_tokens: 9 }, { max_completion_tokens: 9 }],
    [{ temperature: 1, top_p: 1 }, {}],
    [{ frequency_penalty: 0, presence_penalty: 0, parallel_tool_calls: true }, {}],
    [{ response_format: { type: 'text' }, modalities: ['text'], tool_choice: 'auto' }, {}],
    [{ background: false, include: [], truncation: 'disabled' }, {}, 'responses'],
    [{ temperature: 1, top_p: 1, parallel_tool_calls: true }, {}, 'responses'],
    [{ text: { format: { type: 'text' } }, tool_choice: 'auto' }, {}, 'responses'],
    [{ encoding_format: 'float' }, {}, 'embeddings'],
  ])('%j asks for the same as %j', (a, b, operation) => {
    expect(of(a, operation)).toBe(of(b, operation))
  })

  test.each<[object, Operation?]>([
    [{ n: 2 }],
    [{ temperature: 0 }],
    [{ top_p: 0.9 }],
    [{ presence_penalty: 0.1 }],
    [{ response_format: { type: 'json_object' } }],
    [{ max_tokens: 9, max_completion_tokens: 8 }],
    [{ logprobs: true }],
    [{ unknown: false }],
    [{ verbosity: 'medium' }],
    [{ encoding_format: 'base64' }, 'embeddings'],
    [{ dimensions: 256 }, 'embeddings'],
    [{ truncation: 'auto' }, 'responses'],
    [{ max_tokens: 9 }, 'responses'],
  ])('%j asks for something else', (a, operation) => {
    expect(of(a, operation)).not.toBe(of({}, operation))
  })

  test('takes values of its own for what a server of one’s own starts from', () => {
    const local = (body: object) => of(body, 'chat.completions', 'home')
    expect(local({ temperature: 1 })).not.toBe(local({}))
    expect(local({ n: 1, logprobs: false })).toBe(local({}))
  })

  test('is the same for every user of a tenant, whatever their tags and urgency', () => {
    const other = request({ user: 'u7', tags: { feature: 'x' }, urgency: 'batch', resource: 'r' })
    expect(keyOf(other)).toBe(keyOf(request()))
  })
})

describe('the rungs that may answer', () => {
  const tiers = (model: string, pinned = false) =>
    Object.fromEntries(
      ['basic', 'premium', 'gold', 'late', 'best'].map((tier) => [
        tier,
        keyOf(request({ tier, model, pinned })),
      ]),
    )

  test('are shared by tiers whose ladders are equal, whatever they are called and however fast they come', () => {
    const { basic, premium, gold, late, best } = tiers('auto')
    expect(premium).toBe(basic)
    expect(gold).toBe(basic)
    expect(late).not.toBe(basic)
    expect(best).not.toBe(basic)
    expect(late).not.toBe(best)
  })

  // Red when the hash takes the model as it was asked for and forgets what may stand in for it.
  test('keep an answer of a lesser model from whoever did not agree to one', () => {
    const named = tiers('gpt-6-sol')
    expect(named.basic).toBe(tiers('auto').basic)
    expect(named.best).not.toBe(named.basic)
    expect(tiers('gpt-6-sol', true).best).toBe(named.best)
    // Up to 80 or 95 percent of the budget is part of what a rung is.
    expect(tiers('gpt-6-sol', true).basic).not.toBe(tiers('gpt-6-sol', true).late)
  })

  test('are one model where it stands alone: it is shared by the tiers that may use it', () => {
    const { basic, premium, gold, late } = tiers('gpt-6-astra')
    expect(gold).toBe(premium)
    expect(gold).not.toBeNull()
    expect([basic, late]).toEqual([null, null])
  })
})

test('another prefix finds nothing of what was kept', () => {
  const other = policyWith('{ responses: { prefix: v2 } }')
  expect(fingerprint(request(), other, 'tenant')).not.toBe(keyOf(request()))
})

test('generated bodies: the same exactly when they ask for the same', () => {
  const part = fc.record({
    tenant: fc.constantFrom('a', 'b', 'a/b'),
    pinned: fc.boolean(),
    body: fc.dictionary(
      fc.constantFrom('input', 'x', 'y'),
      fc.oneof(fc.nat(2), fc.constantFrom('1', '', 'a')),
      { maxKeys: 3 },
    ),
  })
  const canonical = ({ tenant, pinned, body }: { tenant: string; pinned: boolean; body: object }) =>
    JSON.stringify([tenant, pinned, Object.entries(body).toSorted()])
  const law = fc.property(part, part, (a, b) => {
    expect(keyOf(request(a)) === keyOf(request(b))).toBe(canonical(a) === canonical(b))
  })
  fc.assert(law, { numRuns: 1_000 })
})
