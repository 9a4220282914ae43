import type { AlertPolicy } from '../config/alert-types.ts'
import type { LedgerDb } from '../ledger/ledger.ts'
import { BURSAR, enterState, insertAlert, siblings } from './book.ts'
import type { Finding } from './finding.ts'
import { takeBack, tell } from './tell.ts'

export interface Raised {
  /** New alerts that somebody was to be told of. */
  readonly raised: number
  /** Those that a higher one stands for. */
  readonly passedOver: number
}

const LIVE: readonly string[] = ['open', 'acknowledged', 'silenced']
const HIGHER = 'a higher threshold was crossed'

/**
 * Raises what happened, each once whoever finds it how often: of several thresholds of one window the highest is told,
 * and those below it are over. In a transaction that holds `lockAlerts`.
 */
export async function raiseEvents(
  tx: LedgerDb,
  findings: readonly Finding[],
  policy: AlertPolicy,
  nowMs: number,
): Promise<Raised> {
  let [raised, passedOver] = [0, 0]
  // The highest of a window first: it is what the others are measured against.
  for (const finding of findings.toSorted((a, b) => b.threshold - a.threshold)) {
    const higher = await siblings(tx, finding, 'higher')
    const state = higher.length > 0 ? 'passed-over' : 'open'
    const made = await insertAlert(tx, finding, state, nowMs)
    if (made && state === 'passed-over') passedOver += 1
    if (!made || state === 'passed-over') continue
    raised += 1
    await endLower(tx, finding, nowMs)
    await tell(tx, policy, made, 'raised', nowMs)
  }
  return { raised, passedOver }
}

async function endLower(tx: LedgerDb, finding: Finding, nowMs: number): Promise<void> {
  const lower = await siblings(tx, finding, 'lower')
  for (const { id } of lower.filter(({ state }) => LIVE.includes(state))) {
    await takeBack(tx, id, nowMs)
    await enterState(tx, id, 'resolved', { what: 'resolved', by: BURSAR, why: HIGHER, atMs: nowMs })
  }
}
