import type { FundPolicy, Policy, Scope } from '../../config/policy-types.ts'
import { isWarming } from '../../config/policy-warming.ts'
import type { PlanInput } from '../offer.ts'
import { entryOf } from '../own-entry.ts'
import type { WindowLine } from '../plan-lines.ts'
import type { PlannedRung } from '../plan-types.ts'
import { windowAt } from '../windows.ts'
import type { Governed } from './chains.ts'
import { type Identity, perUser, subjectKey, subjectsOf } from './subjects.ts'

/** The windows of one budget's state that hold an instant. */
function windowLines(
  subject: string,
  { windows, timezone, alertAt, mode }: FundPolicy,
  nowMs: number,
): WindowLine[] {
  return windows.map((cut) => {
    const { id, startMs, endMs } = windowAt(cut, timezone, nowMs)
    const line = {
      key: `${subject}:${id}`,
      startMs,
      endMs,
      limitNano: cut.limitNano,
      marks: alertAt,
    }
    return mode === 'warn' ? { ...line, warnOnly: true } : line
  })
}

/** Nobody's own money pays for what nobody has asked for. */
const PERSONAL: readonly Scope['kind'][] = ['user', 'session', 'run', 'key']
const budgetsFor = ({ budgets }: Policy, who: Identity): Policy['budgets'] =>
  isWarming(who) ? budgets.filter(({ scope }) => !PERSONAL.includes(scope.kind)) : budgets

/** Every budget window that whoever asks must fit in, whatever model serves; the tier's own budget is per user. */
export function budgetChain(policy: Policy, who: Identity, nowMs: number): WindowLine[] {
  const lines = budgetsFor(policy, who).flatMap((budget) => {
    const key = subjectKey(budget.id, budget.scope, who)
    return key === null ? [] : windowLines(key, budget, nowMs)
  })
  return [...lines, ...ownWindows(policy, who, nowMs)]
}

function ownWindows(policy: Policy, who: Identity, nowMs: number): WindowLine[] {
  const own = isWarming(who) ? null : entryOf(policy.tiers, who.tier)?.budget
  return own ? windowLines(perUser(`tier.${who.tier}`, who), own, nowMs) : []
}

/** Every budget window of a request, and the rungs that each is about. */
export function windowsOf(
  { policy, request, nowMs }: PlanInput,
  planned: readonly PlannedRung[],
): Governed<WindowLine>[] {
  const lines = budgetsFor(policy, request).flatMap((budget) =>
    subjectsOf(budget.id, budget.scope, request, planned).flatMap(({ key, rungs }) =>
      windowLines(key, budget, nowMs).map((line) => ({ line, rungs })),
    ),
  )
  const own = ownWindows(policy, request, nowMs)
  return [...lines, ...own.map((line) => ({ line, rungs: null }))]
}
