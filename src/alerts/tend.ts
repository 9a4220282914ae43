import { eq } from 'drizzle-orm'
import type { AlertPolicy } from '../config/alert-types.ts'
import { asking, type LedgerDb } from '../ledger/ledger.ts'
import { alerts } from '../ledger/schema.ts'
import { type AlertRow, BURSAR, enterState, liveAlerts, note } from './book.ts'
import { tell } from './tell.ts'

const DAY_MS = 86_400_000

export interface Tended {
  readonly ended: number
  readonly reminded: number
  readonly escalated: number
}

/**
 * Looks after alerts that are not over: ends those whose window is, opens those whose silence is, tells what is critical
 * again, and tells others what nobody acknowledged. In a transaction that holds `lockAlerts`.
 */
export async function tend(tx: LedgerDb, policy: AlertPolicy, nowMs: number): Promise<Tended> {
  const counts = { ended: 0, reminded: 0, escalated: 0 }
  for (const alert of await liveAlerts(tx)) {
    if (endOf(alert) <= nowMs) {
      await end(tx, alert, nowMs)
      counts.ended += 1
      continue
    }
    const open = await wake(tx, alert, nowMs)
    if (open.state !== 'open' || open.clearSinceMs !== null) continue
    if (await escalate(tx, open, policy, nowMs)) counts.escalated += 1
    else if (await remind(tx, open, policy, nowMs)) counts.reminded += 1
  }
  return counts
}

/** First instant at which its window is over: of a budget its own, of all else the day. */
function endOf({ facts, window }: Pick<AlertRow, 'facts' | 'window'>): number {
  if ('endMs' in facts) return facts.endMs ?? Number.POSITIVE_INFINITY
  const dayMs = Date.parse(window)
  return Number.isNaN(dayMs) ? Number.POSITIVE_INFINITY : dayMs + DAY_MS
}

const end = (tx: LedgerDb, { id }: AlertRow, atMs: number) =>
  enterState(tx, id, 'resolved', { what: 'resolved', by: BURSAR, why: 'its window is over', atMs })

async function wake(tx: LedgerDb, alert: AlertRow, nowMs: number): Promise<AlertRow> {
  const { state, silencedUntilMs } = alert
  if (state !== 'silenced' || (silencedUntilMs ?? nowMs + 1) > nowMs) return alert
  const change = { what: 'opened-again', by: BURSAR, why: 'its silence is over', atMs: nowMs }
  return (await enterState(tx, alert.id, 'open', change)) ?? alert
}

async function escalate(
  tx: LedgerDb,
  alert: AlertRow,
  { escalation, ...policy }: AlertPolicy,
  nowMs: number,
): Promise<boolean> {
  if (!escalation || alert.escalatedAtMs !== null) return false
  if (!escalation.severities.includes(alert.severity)) return false
  if (alert.raisedAtMs + escalation.afterMs > nowMs) return false
  await asking(() => tx.update(alerts).set({ escalatedAtMs: nowMs }).where(eq(alerts.id, alert.id)))
  const why = `nobody acknowledged it: told ${escalation.to.join(', ')}`
  await note(tx, alert.id, { what: 'escalated', by: BURSAR, why, atMs: nowMs })
  await tell(tx, { ...policy, escalation }, alert, 'escalated', nowMs, escalation.to)
  return true
}

async function remind(
  tx: LedgerDb,
  alert: AlertRow,
  policy: AlertPolicy,
  nowMs: number,
): Promise<boolean> {
  if (alert.severity !== 'critical') return false
  if ((alert.toldAtMs ?? alert.raisedAtMs) + policy.remindMs > nowMs) return false
  return (await tell(tx, policy, alert, 'reminder', nowMs)) !== null
}
