import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { amountFor } from '../../src/admission/model/rungs.ts'
import { splitWindowKey } from '../../src/admission/outbox.ts'
import { requestLimits } from '../../src/admission/plan/limit-lines.ts'
import { budgetChain } from '../../src/admission/plan/window-lines.ts'
import { planRequest } from '../../src/admission/plan.ts'
import type { ServiceTier } from '../../src/config/policy-types.ts'
import { costOf } from '../../src/pricing/cost.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { NOW_MS, policyOf, request } from '../unit/plan-policy.ts'

const policy = policyOf()

/** Names that break whoever puts them into a key unescaped. */
const HOSTILE = [
  ...['a:b', 'a/b', '{x}', 'a b', 'a\nb', 'a\0b', '\ud800', '\udc00x', '\ufffd', '%3A', '%ud800'],
  ...['__proto__', 'constructor', '..', '*', '"', 'ü', '日本', '😀', 'a%', 'A', 'x'.repeat(10_000)],
]
const name = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
)

describe('names', () => {
  // Red when a name is used as it is, or when half a character becomes the replacement character.
  test('different subjects never share a budget or a limit, and no name breaks its key', () => {
    const who = fc.record({ tenant: name, user: name, tag: name })
    const law = fc.property(who, who, (a, b) => {
      const keys = ({ tenant, user, tag }: typeof a) => {
        const subject = request({ tenant, user, tags: { feature: tag } })
        const budgets = budgetChain(policy, subject, NOW_MS).map(({ key }) => key)
        return { budgets, limits: requestLimits(policy, subject).map(({ key }) => key) }
      }
      const [one, other] = [keys(a), keys(b)]
      for (const key of [...one.budgets, ...one.limits]) {
        expect(key).toMatch(/^[\w.%/!'()*~:-]+$/)
        expect(key.isWellFormed()).toBe(true)
      }
      for (const key of one.budgets) expect(splitWindowKey(key).budget).not.toContain(':')
      const found = (list: readonly string[], id: string) => list.find((key) => key.startsWith(id))
      const same = (id: string) => found(one.budgets, id) === found(other.budgets, id)
      const sameUser = a.tenant === b.tenant && a.user === b.user
      expect(same('tenants/')).toBe(a.tenant === b.tenant)
      expect(same('people/')).toBe(sameUser)
      expect(same('tier.basic/')).toBe(sameUser)
      expect(same('features/')).toBe(a.tag === b.tag)
      expect(found(one.limits, 'burst/') === found(other.limits, 'burst/')).toBe(sameUser)
    })
    fc.assert(law, { numRuns: 1_000 })
  })
})

const usd = fc.integer({ min: 0, max: 600_000 }).map((milli) => String(milli / 1_000))
const rates = fc.record({ input: usd, cached_input: usd, cache_write: usd, output: usd })
const priced = fc.record({
  base: rates,
  long: fc.option(fc.record({ from_input_tokens: fc.integer({ min: 1, max: 3_000 }), rates })),
  percents: fc.record({
    flex: fc.integer({ min: 1, max: 300 }),
    priority: fc.integer({ min: 1, max: 1_000 }),
  }),
  margin: fc.integer({ min: 0, max: 100 }),
})
const asked = fc.record({
  text: fc.string({ maxLength: 400 }),
  repeat: fc.integer({ min: 1, max: 40 }),
  n: fc.option(fc.integer({ min: 1, max: 128 }), { nil: undefined }),
  max_tokens: fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }),
  service_tier: fc.constantFrom(undefined, null, 'auto', 'default', 'flex', 'priority'),
})
/** How much of what is allowed is used, and of what kind it is; shares of 1. */
const used = fc.record({
  ...{ cap: share(), input: share(), cached: share(), written: share() },
  ...{ output: share(), reasoning: share() },
  servedBelow: fc.boolean(),
})

function share() {
  return fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }))
}

/** What a provider may serve when this is sent: priority falls back when there is too much of it. */
const servedTier = (sent: ServiceTier | null, below: boolean): ServiceTier =>
  sent === 'priority' && below ? 'default' : (sent ?? 'default')

function policyWith({
  base,
  long,
  percents,
  margin,
}: typeof priced extends fc.Arbitrary<infer T> ? T : never) {
  const text = (r: typeof base) =>
    Object.entries(r)
      .map(([field, value]) => `${field}: "${value}"`)
      .join(', ')
  const longText = long
    ? `, long_context: { from_input_tokens: ${long.from_input_tokens}, ${text(long.rates)} }`
    : ''
  return policyOf((yaml) =>
    `${yaml.replace('input_margin_percent: 10', `input_margin_percent: ${margin}`)}
prices: [{ model: gpt-4, ${text(base)}${longText} }]
multipliers: { flex: ${percents.flex}, priority: ${percents.priority} }
`.replace(
      /ladders:[\s\S]*?providers:/,
      'ladders: { standard: [{ model: gpt-4 }], frugal: [{ model: gpt-4 }] }\nproviders:',
    ),
  )
}

describe('the hold', () => {
  // Law 1. Red when: n is left out; the tier asked for is not the tier held for; the cap sent is not the cap held for.
  test('covers the cost of every usage within the counted input and the cap', () => {
    const law = fc.property(priced, asked, used, (price, { text, repeat, ...fields }, use) => {
      const own = policyWith(price)
      const content = text.repeat(repeat)
      const body = { messages: [{ role: 'user', content }], ...fields }
      const made = planRequest({
        policy: own,
        prices: createPriceBook(own),
        request: request({ tier: 'open', body }),
        nowMs: NOW_MS,
      })
      if (!made.ok) throw new Error(made.message)
      const [offer] = made.offers
      const [planned] = made.rungs
      if (!offer || !planned) throw new Error('nothing is offered')
      expect(offer.inputTokens).toBeGreaterThanOrEqual(made.inputTokens)
      const cap = Math.max(1, Math.floor(offer.capTokens * use.cap))
      const part = (whole: number, of: number) => Math.floor(whole * of)
      const input = part(offer.inputTokens, use.input)
      const cached = part(input, use.cached)
      const written = part(input - cached, use.written)
      const output = part(cap * (fields.n ?? 1), use.output)
      const reasoning = part(output, use.reasoning)
      const usage = {
        inputTokens: input - cached - written,
        cachedInputTokens: cached,
        cacheWriteTokens: written,
        outputTokens: output - reasoning,
        reasoningTokens: reasoning,
      }
      const tier = servedTier(planned.rung.serviceTier, use.servedBelow)
      const { costNano } = costOf(planned.price, usage, tier)
      expect(costNano).toBeLessThanOrEqual(amountFor(offer, cap))
    })
    fc.assert(law, { numRuns: 400 })
  })
})
