import type { RuleName } from '../../config/alert-types.ts'
import { dayOf, type Finding } from '../finding.ts'
import type { World } from '../place.ts'
import { alertsOf } from '../routes.ts'
import { severityOf } from '../severity.ts'

/** Something that is looked at now and then. */
export interface Rule {
  readonly name: RuleName
  /** Everything that is wrong now; a limit that the policy sets is `above`. */
  look(world: World, above: number): Promise<readonly Found[]>
}

/** What is wrong, without what is the same for all that a rule finds. */
export type Found = Pick<Finding, 'scope' | 'facts'> &
  Partial<Pick<Finding, 'window' | 'threshold' | 'tenant' | 'budget' | 'timezone'>>

/** Fills in what a rule did not say: nobody's, of today, as grave as usual. */
export function completed(rule: RuleName, found: Found, world: World): Finding {
  const { policy, nowMs } = world
  const alerts = alertsOf(policy)
  return {
    ...{ rule, window: dayOf(nowMs), threshold: alerts.rules[rule].above ?? 0 },
    ...{ severity: severityOf(alerts, rule), tenant: null, budget: null },
    timezone: policy.timezone,
    ...found,
  }
}
