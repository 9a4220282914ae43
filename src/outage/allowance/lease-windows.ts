import { budgetChain } from '../../admission/plan/window-lines.ts'
import type { WindowLine } from '../../admission/plan-lines.ts'
import { windowAt } from '../../admission/windows.ts'
import type { Policy } from '../../config/policy-types.ts'
import type { Nano } from '../../money/nano.ts'

const NOBODY = { tenant: '', user: '', tier: '', tags: {} }

/** Named like no budget of a policy's may be by accident. */
const OWN_BUDGET = 'bursar.outage'
/** As many processes may hold an allowance of one day where no budget is everybody's. */
const MOST_PROCESSES = 1_000

/**
 * Where an allowance is held: in every window of the budgets that govern everybody, so that they stay exact. Without
 * one, in a budget of its own, so that its calls are booked all the same.
 */
export function leaseWindows(policy: Policy, amountNano: Nano, nowMs: number): WindowLine[] {
  const global = policy.budgets.filter(({ scope }) => scope.kind === 'global')
  const lines = budgetChain({ ...policy, budgets: global }, NOBODY, nowMs)
  if (lines.length > 0) return lines
  const limitNano = Math.min(amountNano * MOST_PROCESSES, Number.MAX_SAFE_INTEGER)
  const { id, startMs, endMs } = windowAt({ per: 'day' }, 'UTC', nowMs)
  return [{ key: `${OWN_BUDGET}:${id}`, startMs, endMs, limitNano, marks: [] }]
}
