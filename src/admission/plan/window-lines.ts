import type { BudgetPolicy, Policy } from '../../config/policy-types.ts'
import type { WindowLine } from '../commands.ts'
import type { PlanInput } from '../offer.ts'
import { entryOf } from '../own-entry.ts'
import type { PlannedRung } from '../plan-types.ts'
import { windowAt } from '../windows.ts'
import type { Governed } from './chains.ts'
import { type Identity, perUser, subjectKey, subjectsOf } from './subjects.ts'

type Funded = Pick<BudgetPolicy, 'limitNano' | 'per' | 'timezone' | 'alertAt'>

function windowLine(budget: string, funded: Funded, nowMs: number): WindowLine {
  const { id, startMs, endMs } = windowAt(funded.per, funded.timezone, nowMs)
  return {
    key: `${budget}:${id}`,
    startMs,
    endMs,
    limitNano: funded.limitNano,
    marks: funded.alertAt,
  }
}

/** Every budget window that whoever asks must fit in, whatever model serves; the tier's own budget is per user. */
export function budgetChain(policy: Policy, who: Identity, nowMs: number): WindowLine[] {
  const lines: WindowLine[] = []
  for (const budget of policy.budgets) {
    const key = subjectKey(budget.id, budget.scope, who)
    if (key !== null) lines.push(windowLine(key, budget, nowMs))
  }
  const own = ownWindow(policy, who, nowMs)
  return own ? [...lines, own] : lines
}

function ownWindow(policy: Policy, who: Identity, nowMs: number): WindowLine | null {
  const own = entryOf(policy.tiers, who.tier)?.budget
  return own ? windowLine(perUser(`tier.${who.tier}`, who), own, nowMs) : null
}

/** Every budget window of a request, and the rungs that each is about. */
export function windowsOf(
  { policy, request, nowMs }: PlanInput,
  planned: readonly PlannedRung[],
): Governed<WindowLine>[] {
  const lines = policy.budgets.flatMap((budget) =>
    subjectsOf(budget.id, budget.scope, request, planned).map(({ key, rungs }) => ({
      line: windowLine(key, budget, nowMs),
      rungs,
    })),
  )
  const own = ownWindow(policy, request, nowMs)
  return own ? [...lines, { line: own, rungs: null }] : lines
}
