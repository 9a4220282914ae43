import { asc, gt } from 'drizzle-orm'
import type { WindowState } from '../../admission/commands.ts'
import { splitWindowKey } from '../../admission/outbox.ts'
import { windowAt } from '../../admission/windows.ts'
import { asking, type LedgerDb } from '../../ledger/ledger.ts'
import { thresholdEvents } from '../../ledger/schema.ts'
import { budgetFacts, fundOf, tenantOf } from '../budget-facts.ts'
import type { Finding } from '../finding.ts'
import type { AlertPlace } from '../place.ts'
import { alertsOf } from '../routes.ts'
import { ofThreshold, severityOf } from '../severity.ts'

/** A budget window passed a percent of its limit, as the drain wrote it down. */
export type ThresholdEvent = Readonly<typeof thresholdEvents.$inferSelect>

/** Events after one, in the order of their commits. */
export const thresholdsAfter = (
  db: LedgerDb,
  id: number,
  limit: number,
): Promise<ThresholdEvent[]> =>
  asking(() =>
    db
      .select()
      .from(thresholdEvents)
      .where(gt(thresholdEvents.id, id))
      .orderBy(asc(thresholdEvents.id))
      .limit(limit),
  )

/**
 * What was crossed, and what was passed over on the way: a window that jumps from 40% to 101% has one event, and an alert
 * for each of its marks. Only the highest of a window is worth all that is known of it.
 */
export async function thresholdFindings(
  events: readonly ThresholdEvent[],
  place: AlertPlace,
): Promise<Finding[]> {
  const windows = new Map<string, ThresholdEvent[]>()
  for (const event of events) {
    windows.set(event.windowKey, [...(windows.get(event.windowKey) ?? []), event])
  }
  const keys = [...windows.keys()]
  const states = await place.slot.peek(keys)
  const found: Finding[] = []
  for (const [at, own] of [...windows.values()].entries()) {
    found.push(...(await ofWindow(own, states[at] ?? null, place)))
  }
  return found
}

async function ofWindow(
  events: readonly ThresholdEvent[],
  known: WindowState | null,
  place: AlertPlace,
): Promise<Finding[]> {
  const highest = events.reduce((a, b) => (a.percent > b.percent ? a : b))
  const { policy } = place
  const { budget, window } = splitWindowKey(highest.windowKey)
  const state = known ?? stateOf(highest, place)
  const facts = await budgetFacts(place, state)
  const marks = fundOf(policy, budget)?.alertAt ?? []
  const crossed = new Set([
    ...events.map(({ percent }) => percent),
    ...marks.filter((mark) => mark < highest.percent),
  ])
  const about = {
    ...({ rule: 'budget-threshold', scope: `budget ${budget}`, window, budget } as const),
    ...{ tenant: tenantOf(policy, budget), timezone: facts.timezone },
  }
  return [...crossed].map((percent) => ({
    ...about,
    threshold: percent,
    severity: severityOf(alertsOf(policy), 'budget-threshold', ofThreshold(percent)),
    facts: { rule: 'budget-threshold', marks, ...facts, ...atLeast(highest, facts, percent) },
  }))
}

/** What was crossed was crossed, whatever was granted or given back since. */
const atLeast = (
  { percent: highest, spentNano, limitNano }: ThresholdEvent,
  facts: { readonly percent: number },
  percent: number,
) => (percent === highest && facts.percent < percent ? { percent, spentNano, limitNano } : {})

/** A window that the slot has forgotten. */
function stateOf(event: ThresholdEvent, { policy }: AlertPlace): WindowState {
  const { windowKey: key, spentNano, limitNano, atMs, percent } = event
  const { budget } = splitWindowKey(key)
  const fund = fundOf(policy, budget)
  const cut = fund?.windows[0] ?? { per: 'lifetime' as const }
  const { startMs, endMs } = windowAt(cut, fund?.timezone ?? policy.timezone, atMs)
  const money = { spentNano, limitNano, heldNano: 0, creditNano: 0 }
  return { key, ...money, startMs, endMs, policy: policy.version, firedPercent: percent }
}
