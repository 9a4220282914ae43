import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertModels, covers, narrow, type Scope } from '../../src/access/scope.ts'
import { rungsFor } from '../../src/admission/offer.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import { isBursarError } from '../../src/errors.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { readIdentity } from '../../src/queue/request.ts'

const policy = parsePolicy(
  `
version: 1
timezone: UTC
identity: { default_tenant: acme, default_tier: basic, users: { rich: premium } }
tiers:
  basic:   { budget: { usd: "5", per: hour }, ladder: short }
  premium: { budget: { usd: "50", per: hour }, ladder: long, models: ["*"] }
budgets:
  - { id: company, scope: global, usd: "2000", per: month }
ladders:
  short: [ { model: gpt-6-sol, until: 95 }, { model: gpt-6-luna } ]
  long: [ { model: gpt-6-astra, until: 80 }, { model: gpt-6-sol, until: 95 }, { model: gpt-6-luna } ]
providers:
  openai: { base_url: https://api.openai.com/v1, key: "\${OPENAI_API_KEY}" }
`,
  { env: { OPENAI_API_KEY: 'sk-any' }, prices: createPriceBook, nowMs: Date.UTC(2026, 10, 21) },
)

const FIELDS = ['tenant', 'user', 'tier'] as const
const MODELS = ['gpt-6-astra', 'gpt-6-sol', 'gpt-6-luna', 'other'] as const
// Few names, so that what a key says and what a request asks meet often.
const tenant = fc.constantFrom('acme', 'globex', 'acme ', 'ACME', '', '__proto__')
const user = fc.constantFrom('u1', 'rich', 'constructor')
const tier = fc.constantFrom('basic', 'premium')
const own = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const scopes: fc.Arbitrary<Scope> = fc.record({
  id: fc.constant('k'),
  tenant,
  user: own(user),
  tier: own(tier),
  models: own(fc.uniqueArray(fc.constantFrom(...MODELS), { minLength: 1 })),
})
const odd = fc.oneof(fc.constant(null), fc.integer(), fc.array(fc.string()), fc.object())
const bodies = fc
  .record(
    {
      tenant: fc.oneof({ weight: 4, arbitrary: tenant }, { weight: 1, arbitrary: odd }),
      user: fc.oneof({ weight: 4, arbitrary: user }, { weight: 1, arbitrary: odd }),
      tier: fc.oneof({ weight: 4, arbitrary: tier }, { weight: 1, arbitrary: odd }),
      model: fc.constantFrom('auto', ...MODELS, 'nobody'),
      pinned: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  // As it comes off the wire.
  .map((body): Record<string, unknown> => JSON.parse(JSON.stringify(body)))

/** @returns what a refused request is refused with, or what it became. */
function attempt<T>(work: () => T): { done: T } | { refused: unknown } {
  try {
    return { done: work() }
  } catch (error) {
    return { refused: error }
  }
}

describe('the scope of a key', () => {
  test('never widens: what passes is what the key settles, and what it leaves open stays as asked', () => {
    const law = fc.property(scopes, bodies, (scope, body) => {
      const before = structuredClone(body)
      const result = attempt(() => narrow(scope, body))
      expect(body).toEqual(before)
      const foreign = FIELDS.find(
        (field) =>
          scope[field] !== null && body[field] !== undefined && body[field] !== scope[field],
      )
      if ('refused' in result) {
        expect(result.refused).toMatchObject({ code: 'ACCESS_DENIED', detail: { field: foreign } })
        return
      }
      expect(foreign).toBeUndefined()
      for (const field of FIELDS) {
        expect(result.done[field]).toEqual(scope[field] ?? body[field])
      }
      for (const field of ['model', 'pinned']) expect(result.done[field]).toEqual(body[field])
    })
    fc.assert(law, { numRuns: 2_000 })
  })

  test('holds for the identity that pays, as intake reads it', () => {
    const law = fc.property(scopes, bodies, (scope, body) => {
      const result = attempt(() => readIdentity(narrow(scope, body), policy))
      if ('refused' in result) {
        expect(isBursarError(result.refused)).toBe(true)
        return
      }
      expect(result.done.tenant).toBe(scope.tenant)
      if (scope.user !== null) expect(result.done.user).toBe(scope.user)
      if (scope.tier !== null) expect(result.done.tier).toBe(scope.tier)
      expect(covers(scope, result.done)).toBe(true)
    })
    fc.assert(law, { numRuns: 2_000 })
  })

  test('lets no model outside its list answer, on any rung, and refuses nothing that could not', () => {
    const law = fc.property(scopes, bodies, (scope, body) => {
      const asked = attempt(() => narrow({ ...scope, tenant: 'acme' }, body))
      if ('refused' in asked) return
      const { model, pinned } = asked.done
      const identity = attempt(() => readIdentity(asked.done, policy))
      if (typeof model !== 'string' || 'refused' in identity) return
      const own = policy.tiers[identity.done.tier]
      if (!own) throw new Error('the tier was read')
      const served = rungsFor(policy, own, { model, pinned: pinned === true })
      const list = scope.models
      const fits =
        list === null ||
        ((model === 'auto' || list.includes(model)) &&
          served.every((rung) => list.includes(rung.model)))
      const judged = attempt(() => assertModels(scope, asked.done, policy))
      expect('done' in judged).toBe(fits)
      if ('refused' in judged) {
        expect(judged.refused).toMatchObject({ code: 'ACCESS_DENIED', detail: { field: 'model' } })
      }
    })
    fc.assert(law, { numRuns: 3_000 })
  })

  test('covers jobs of its tenant, and of its user alone when it has one', () => {
    const law = fc.property(scopes, own(tenant), own(user), (scope, theirs, who) => {
      const mine = theirs === scope.tenant && (scope.user === null || scope.user === who)
      expect(covers(scope, { tenant: theirs, user: who })).toBe(mine)
    })
    fc.assert(law)
  })
})
