import type { Sight } from '../../alerts/actions/sight.ts'
import { enterState, findAlert, lockAlerts, saw } from '../../alerts/book.ts'
import { budgetFacts } from '../../alerts/budget-facts.ts'
import type { BudgetFacts } from '../../alerts/notice.ts'
import { alertsOf } from '../../alerts/routes.ts'
import { tell } from '../../alerts/tell.ts'
import type { Policy } from '../../config/policy-types.ts'
import type { Granted } from '../budget/grant.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminPlace } from '../command.ts'

interface GrantedFrom {
  readonly sight: Sight
  readonly granted: Granted
  readonly nowMs: number
}

/**
 * Tells those who heard of an alert that its budget was given more, by whom and why: it is over when that is enough,
 * else somebody looks after it. What was granted stays granted, also when this fails.
 */
export async function tellGranted(place: AdminPlace, from: GrantedFrom): Promise<void> {
  const { sight, granted, nowMs } = from
  const { credit, window } = granted
  if (!window) return
  const ledger = await place.ledger()
  const policy = await policyInForce(place)
  const standing = await standingOf(place, from, policy)
  await ledger.transaction(async (tx) => {
    await lockAlerts(tx)
    const alert = await findAlert(tx, sight.claim.alert)
    if (!alert || !('effect' in alert.facts)) return
    const why = `${credit.id}: ${credit.reason}`
    // The same form, sent twice.
    if (alert.why === why) return
    const facts = { ...alert.facts, ...standing }
    const isEnough = facts.percent < alert.threshold
    const change = { by: credit.grantedBy, why, atMs: nowMs }
    await saw(tx, alert.id, { facts, clearSinceMs: isEnough ? nowMs : null })
    const now = await (isEnough
      ? enterState(tx, alert.id, 'resolved', { ...change, what: 'resolved' })
      : enterState(tx, alert.id, 'acknowledged', { ...change, what: 'acknowledged' }))
    if (now) await tell(tx, alertsOf(policy), now, isEnough ? 'resolved' : 'raised', nowMs)
  })
}

/** How the budget stands with what was given. What waited for it goes on. */
async function standingOf(
  place: AdminPlace,
  { granted: { credit, window }, sight: { money }, nowMs }: GrantedFrom,
  policy: Policy,
): Promise<Partial<BudgetFacts>> {
  const key = `${credit.budget}:${credit.window}`
  const [state] = await (await place.slot()).peek([key])
  const ledger = await place.ledger()
  if (state) return { ...(await budgetFacts({ ledger, policy, nowMs }, state)), parked: null }
  return window ? { limitNano: window.limitNano, grants: money?.grants ?? [], parked: null } : {}
}
