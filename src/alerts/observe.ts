import type { AlertPolicy, RuleName } from '../config/alert-types.ts'
import type { LedgerDb } from '../ledger/ledger.ts'
import {
  type AlertRow,
  BURSAR,
  enterState,
  findAlert,
  insertAlert,
  liveAlerts,
  saw,
} from './book.ts'
import { alertId, type Finding } from './finding.ts'
import { takeBack, tell } from './tell.ts'

/** What comes back sooner is not told again. */
export const AGAIN_MS = 3_600_000

/**
 * Compares what is wrong now with what was: raises what is new, resolves what is gone for long enough, and opens again
 * what comes back. In a transaction that holds `lockAlerts`.
 * @param rules - those that were looked at; alerts of others stay as they are.
 * @returns how many were raised or opened again, and how many resolved.
 */
export async function observe(
  tx: LedgerDb,
  rules: readonly RuleName[],
  findings: readonly Finding[],
  policy: AlertPolicy,
  nowMs: number,
): Promise<{ readonly raised: number; readonly resolved: number }> {
  let [raised, resolved] = [0, 0]
  const there = new Set<string>()
  for (const finding of findings) {
    there.add(alertId(finding))
    if (await stands(tx, finding, policy, nowMs)) raised += 1
  }
  const gone = (await liveAlerts(tx)).filter(
    ({ rule, id }) => rules.includes(rule) && !there.has(id),
  )
  for (const alert of gone) if (await clears(tx, alert, policy, nowMs)) resolved += 1
  return { raised, resolved }
}

/** @returns whether it is news. */
async function stands(
  tx: LedgerDb,
  finding: Finding,
  policy: AlertPolicy,
  nowMs: number,
): Promise<boolean> {
  const made = await insertAlert(tx, finding, 'open', nowMs)
  if (made) {
    await tell(tx, policy, made, 'raised', nowMs)
    return true
  }
  const known = await findAlert(tx, alertId(finding))
  if (!known) return false
  await saw(tx, known.id, { facts: finding.facts, clearSinceMs: null })
  if (known.state !== 'resolved') return false
  const change = { what: 'opened-again', by: BURSAR, why: 'its cause is back', atMs: nowMs }
  const opened = await enterState(tx, known.id, 'open', change)
  const isLate = (known.toldAtMs ?? 0) + AGAIN_MS <= nowMs
  if (opened && isLate) await tell(tx, policy, opened, 'raised', nowMs)
  return true
}

/** @returns whether it is over now. */
async function clears(
  tx: LedgerDb,
  alert: AlertRow,
  policy: AlertPolicy,
  nowMs: number,
): Promise<boolean> {
  const sinceMs = alert.clearSinceMs ?? nowMs
  if (alert.clearSinceMs === null) await saw(tx, alert.id, { clearSinceMs: nowMs })
  if (nowMs - sinceMs < policy.dampMs) return false
  const change = { what: 'resolved', by: BURSAR, why: 'its cause is gone', atMs: nowMs }
  const ended = await enterState(tx, alert.id, 'resolved', change)
  // Whoever was told of it hears that it is over; who silenced it does not want to.
  const wasHeld = await takeBack(tx, alert.id, nowMs)
  if (ended && !wasHeld && alert.state !== 'silenced' && alert.notices > 0) {
    await tell(tx, policy, ended, 'resolved', nowMs)
  }
  return true
}
