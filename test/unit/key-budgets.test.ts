import { expect, test } from 'vitest'
import { canBePromised, withBudgets } from '../../src/access/key-budgets.ts'
import type { BudgetPolicy, Scope } from '../../src/config/policy-types.ts'

const budget = (id: string, scope: Scope): BudgetPolicy => ({
  ...{ id, scope, timezone: 'UTC', alertAt: [] },
  windows: [{ per: 'month', limitNano: 1 }],
})
const of = (value: string) => ({ value })
const policy = {
  budgets: [
    budget('all', { kind: 'global' }),
    budget('tutor', { kind: 'tag', key: 'feature', of: of('tutor') }),
    budget('features', { kind: 'tag', key: 'feature', of: 'each' }),
    budget('acme', { kind: 'tenant', of: of('acme') }),
    budget('runs', { kind: 'run', of: 'each' }),
    budget('own', { kind: 'key', of: of('k1') }),
    budget('sol', { kind: 'model', of: of('gpt-6-sol') }),
  ],
}
const asked = (budgets: string[] | null, request: object) =>
  withBudgets({ id: 'k1', budgets }, request, policy)
const denied = { code: 'ACCESS_DENIED', detail: expect.objectContaining({ field: 'budget' }) }

test.for([
  ['nothing, without budgets', null, { user: 'u' }, { user: 'u' }],
  ['nothing, of a global one', ['all'], { user: 'u' }, { user: 'u' }],
  ['its tag', ['tutor'], { tags: { a: 'b' } }, { tags: { a: 'b', feature: 'tutor' } }],
  ['the same tag', ['tutor'], { tags: { feature: 'tutor' } }, { tags: { feature: 'tutor' } }],
  ['nothing, where there is one for each', ['features'], { tags: { feature: 'x' } }, null],
  ['its tenant', ['acme'], { user: 'u' }, { user: 'u', tenant: 'acme' }],
  ['nothing, of its own', ['own'], { user: 'u' }, null],
  ['all of them', ['tutor', 'acme'], {}, { tenant: 'acme', tags: { feature: 'tutor' } }],
] as const)('a budget puts %s into a request', ([, budgets, request, expected]) => {
  expect(asked(budgets && [...budgets], request)).toEqual(expected ?? request)
})

test.for([
  ['another tag', 'tutor', { tags: { feature: 'toy' } }],
  ['no tag where each has one', 'features', {}],
  ['another tenant', 'acme', { tenant: 'globex' }],
  ['no run', 'runs', {}],
  ['a model, which nobody can promise', 'sol', {}],
  ['a budget that is gone', 'nowhere', {}],
] as const)('%s is refused, never counted elsewhere', ([, id, request]) => {
  expect(() => asked([id], request)).toThrow(expect.objectContaining(denied))
})

test('budgets of models and providers cannot be promised', () => {
  const promised = policy.budgets.filter(canBePromised).map(({ id }) => id)
  expect(promised).toEqual(['all', 'tutor', 'features', 'acme', 'runs', 'own'])
})
