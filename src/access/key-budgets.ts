import type { BudgetPolicy, Policy, Scope } from '../config/policy-types.ts'
import type { ApiKey } from './api-key.ts'
import { denied } from './errors.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Makes every request of a key count in the key's budgets: what a budget is about is put into the request where it says
 * nothing of it. Models and providers are not asked for by name, so no key can promise a budget of theirs.
 * @param asked - narrowed: tenant, user and tier of the key stand in it.
 * @throws {BursarError} ACCESS_DENIED when the request could not be counted there, or the policy has no such budget.
 */
export function withBudgets<Asked extends object>(
  key: Pick<ApiKey, 'id' | 'budgets'>,
  asked: Asked,
  policy: Pick<Policy, 'budgets'>,
): Asked {
  return (key.budgets ?? []).reduce<Asked>((fields, id) => {
    const budget = policy.budgets.find((one) => one.id === id)
    if (!budget) throw gone(id)
    return countedIn(budget, key, fields)
  }, asked)
}

/** Whether a request can be made to count in a budget before anybody knows which model serves it. */
export const canBePromised = ({ scope }: Pick<BudgetPolicy, 'scope'>): boolean =>
  scope.kind !== 'model' && scope.kind !== 'provider' && scope.kind !== 'ip'

function countedIn<Asked extends object>(
  { id, scope }: BudgetPolicy,
  key: Pick<ApiKey, 'id'>,
  asked: Asked,
): Asked {
  if (scope.kind === 'global') return asked
  if (!canBePromised({ scope })) throw gone(id)
  if (scope.kind === 'tag') return withTag(id, scope, asked)
  if (scope.kind === 'key') {
    if (scope.of === 'each' || scope.of.value === key.id) return asked
    throw elsewhere(id, 'key', scope.of.value)
  }
  const named: unknown = Reflect.get(asked, scope.kind)
  if (scope.of === 'each') {
    // Every request has a tenant, a user and a tier; a session and a run only where it says so.
    const isOpen = scope.kind === 'session' || scope.kind === 'run'
    if (isOpen && named === undefined) throw missing(id, scope.kind)
    return asked
  }
  if (named !== undefined && named !== scope.of.value)
    throw elsewhere(id, scope.kind, scope.of.value)
  return { ...asked, [scope.kind]: scope.of.value }
}

function withTag<Asked extends object>(
  id: string,
  { key: name, of }: Extract<Scope, { kind: 'tag' }>,
  asked: Asked,
): Asked {
  const given: unknown = Reflect.get(asked, 'tags') ?? {}
  // What is no map of tags is refused where every request is read.
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return asked
  const tags: Fields = { ...given }
  const named = Object.hasOwn(tags, name) ? tags[name] : undefined
  if (of === 'each') {
    if (named === undefined) throw missing(id, `tags.${name}`)
    return asked
  }
  if (named !== undefined && named !== of.value) throw elsewhere(id, `tags.${name}`, of.value)
  return { ...asked, tags: { ...tags, [name]: of.value } }
}

const elsewhere = (budget: string, field: string, value: string) =>
  denied(
    'budget',
    `this API key spends from budget '${budget}' alone, which is about ${field} '${value}': leave ${field} out`,
    { budget, allowed: [value] },
  )

const missing = (budget: string, field: string) =>
  denied(
    'budget',
    `this API key spends from budget '${budget}' alone, which has one for each ${field}: send ${field}`,
    { budget },
  )

const gone = (budget: string) =>
  denied(
    'budget',
    `this API key spends from budget '${budget}' alone, and the policy in force has none that a key can promise: ask an admin for another key`,
    { budget },
  )
