import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, test } from 'vitest'
import { copyPolicy } from '../../src/cli/replay/policy-copy.ts'
import { createSpread } from '../../src/cli/replay/spread.ts'
import type { TraceRow } from '../../src/cli/replay/trace-types.ts'
import { drawWords, WORDS } from '../../src/cli/replay/words.ts'
import { createDraw } from '../../src/cli/traffic/draw.ts'
import { countInputTokens } from '../../src/pricing/tokens.ts'
import { readRequest } from '../../src/queue/request.ts'

const { policy } = await copyPolicy('bursar.yaml', {})
const ROWS = 3_000

const row = (index: number): TraceRow => ({
  index,
  line: index + 2,
  atMs: index,
  recorded: { kind: 'sizes', inputTokens: 50 + (index % 7), outputTokens: 20 },
})

function spreadAll(seed: number) {
  const spread = createSpread({ policy, seed, rows: ROWS })
  return Array.from({ length: ROWS }, (_, index) => {
    const { input, stream } = spread(row(index))
    return { ...readRequest(input, policy, index).request, stream }
  })
}

const all = spreadAll(1)
const share = (of: (one: (typeof all)[number]) => boolean) => all.filter(of).length / ROWS

describe('words', () => {
  test('each is one token, so that a prompt has the tokens that the trace tells', () => {
    for (const word of WORDS) {
      expect(o200k(` ${word}`), word).toBe(1)
      expect(cl100k(` ${word}`), word).toBe(1)
    }
    for (const count of [1, 100, 14_050]) {
      const text = drawWords(createDraw(3), count)
      expect(text.split(' ')).toHaveLength(count)
      expect(Math.abs(o200k(text) - count)).toBeLessThanOrEqual(1)
    }
  })

  test('a prompt is counted at about its ContextTokens', () => {
    for (const [index, { body }] of all.slice(0, 50).entries()) {
      const { tokens } = countInputTokens('chat.completions', body)
      const repeated = Math.abs(tokens - (50 + (index % 7))) > 2
      if (repeated)
        expect(all.slice(0, index).map(({ body }) => body.messages)).toContainEqual(body.messages)
    }
  })
})

describe('the spread', () => {
  test('is fixed by its seed', () => {
    expect(spreadAll(1)).toEqual(all)
    expect(spreadAll(2)).not.toEqual(all)
  })

  test('serves every tier, many tenants, and some users more than others', () => {
    expect(new Set(all.map(({ tier }) => tier))).toEqual(new Set(Object.keys(policy.tiers)))
    expect(new Set(all.map(({ tenant }) => tenant)).size).toBeGreaterThan(20)
    expect(all.map(({ tenant }) => tenant)).toContain('acme')
    const times = new Map<string, number>()
    for (const { user } of all) times.set(user, (times.get(user) ?? 0) + 1)
    expect(Math.max(...times.values())).toBeGreaterThan((5 * ROWS) / times.size)
  })

  test('keeps a user in one tenant and one tier', () => {
    const homes = new Set(all.map(({ user, tenant, tier }) => `${user} ${tenant} ${tier}`))
    expect(homes.size).toBe(new Set(all.map(({ user }) => user)).size)
  })

  test('asks mostly for auto, sometimes for later, in a stream, or under a tag', () => {
    expect(share(({ model }) => model === 'auto')).toBeCloseTo(0.85, 1)
    expect(share(({ urgency }) => urgency !== 'interactive')).toBeCloseTo(0.16, 1)
    expect(share(({ stream }) => stream)).toBeCloseTo(0.08, 1)
    expect(share(({ tags }) => tags.feature === 'tutor')).toBeCloseTo(0.1, 1)
    expect(share(({ pinned }) => pinned)).toBeGreaterThan(0.01)
  })

  test('repeats about a tenth word for word, under the same roof', () => {
    const seen = new Set<string>()
    const repeats = all.filter(({ body, tenant, tier, model }) => {
      const question = JSON.stringify([body.messages, tenant, tier, model])
      return seen.size === seen.add(question).size
    })
    expect(repeats.length / ROWS).toBeCloseTo(0.1, 1)
  })

  test('gives a user that a body names one home, and the tier that the policy names', () => {
    const spread = createSpread({ policy, seed: 1, rows: ROWS })
    const homeOf = (index: number, user: string) =>
      spread({ ...row(index), recorded: { kind: 'body', fields: { user } } }).input
    expect(homeOf(1, 'somebody')).toEqual(homeOf(2, 'somebody'))
    expect(homeOf(3, 'u42')).toMatchObject({ tier: 'premium' })
  })

  test('leaves alone what a body says of itself', () => {
    const fields = { user: 'u42', tenant: 'acme', tier: 'admin', model: 'gpt-6-sol', messages: [] }
    const spread = createSpread({ policy, seed: 1, rows: 1 })
    const recorded = { kind: 'body', fields: { ...fields, stream: true } } as const
    expect(spread({ ...row(0), recorded })).toEqual({ input: fields, stream: true })
  })
})
