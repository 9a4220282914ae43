import { z } from 'zod'
import type { StoredPolicy } from '../../config/policy-json.ts'
import type { Scope } from '../../config/policy-types.ts'
import type { PolicyChange } from './difference.ts'

export const TouchedSchema = z.object({
  /** Budgets whose amount, calendar, scope or mode changes, those of tiers as `tier.<name>`. */
  budgets: z.array(z.string()),
  limits: z.array(z.string()),
  tiers: z.array(z.string()),
  /** Tenants that alone are concerned; `*` = every tenant is. */
  tenants: z.array(z.string()),
})
export type Touched = Readonly<z.infer<typeof TouchedSchema>>

const EVERYBODY = '*'

/** Whom the changes of a policy concern. Pure. */
export function touchedBy(
  changes: readonly PolicyChange[],
  before: StoredPolicy,
  after: StoredPolicy,
): Touched {
  const named = (list: string) => [
    ...new Set(
      changes.flatMap(({ path }) => {
        const [first, name] = path.split('.')
        return first === list && name !== undefined ? [name] : []
      }),
    ),
  ]
  const tiers = named('tiers')
  const ofTiers = tiers.filter((tier) =>
    changes.some(({ path }) => path === `tiers.${tier}` || path.startsWith(`tiers.${tier}.budget`)),
  )
  const [budgets, limits] = [named('budgets'), named('limits')]
  const isOf = (list: string) => (path: string) => path.split('.')[0] === list
  const elsewhere = changes.some(
    ({ path }) => !['budgets', 'limits'].some((list) => isOf(list)(path)),
  )
  const scoped = [before, after].flatMap((policy) => [
    ...policy.budgets.filter(({ id }) => budgets.includes(id)),
    ...policy.limits.filter(({ id }) => limits.includes(id)),
  ])
  const tenants = new Set(scoped.map(({ scope }) => tenantOf(scope)))
  if (elsewhere) tenants.add(EVERYBODY)
  return {
    budgets: [...budgets, ...ofTiers.map((tier) => `tier.${tier}`)],
    ...{ limits, tiers },
    tenants: tenants.has(EVERYBODY) ? [EVERYBODY] : [...tenants].toSorted(),
  }
}

const tenantOf = (scope: Scope): string =>
  scope.kind === 'tenant' && scope.of !== 'each' ? scope.of.value : EVERYBODY
