import type { Policy, Scope } from '../../config/policy-types.ts'
import type { Filters } from './dimensions.ts'

/**
 * Whose usage a budget adds up, in terms of the cubes.
 * @param budget - as windows name it: `company`, `tenants/acme`, `tier.basic/acme/u42`.
 * @returns null when the cubes do not know them apart (sessions, runs, Bursar's own tags) or the policy has no such budget.
 */
export function budgetFilters(policy: Policy, budget: string): Filters | null {
  const [id = '', ...parts] = budget.split('/')
  const subject = parts.map(unescaped)
  if (subject.includes(null)) return null
  const names = subject.filter((part) => part !== null)
  const known = policy.budgets.find((one) => one.id === id)
  if (known) return ofScope(known.scope, names)
  const tier = Object.keys(policy.tiers).find((name) => id === `tier.${name}`)
  const [tenant, user] = names
  if (tier === undefined || tenant === undefined || user === undefined) return null
  return { tier: [tier], tenant: [tenant], user: [user] }
}

function ofScope(scope: Scope, names: readonly string[]): Filters | null {
  if (scope.kind === 'global') return {}
  const [first, second] = names
  const value = scope.of === 'each' ? first : scope.of.value
  if (value === undefined) return null
  switch (scope.kind) {
    case 'user':
      if (scope.of !== 'each') return { user: [value] }
      return second === undefined ? null : { tenant: [value], user: [second] }
    case 'tenant':
    case 'tier':
    case 'key':
    case 'model':
    case 'provider':
      return { [scope.kind]: [value] }
    case 'tag':
      return scope.key.startsWith('bursar.') ? null : { [`tag:${scope.key}`]: [value] }
    default:
      return null
  }
}

function unescaped(part: string): string | null {
  try {
    return decodeURIComponent(part)
  } catch {
    // Half a character: no row of the ledger has it, since Postgres cannot.
    return null
  }
}
