import { setTimeout as pause } from 'node:timers/promises'
import type { Ledger } from '../ledger/ledger.ts'
import { type AwaitedProcess, unreported } from '../ledger/processes.ts'

const LOOK_AGAIN_MS = 100

/**
 * Waits until every process that lives has said what it owes for a life. (PROTOCOL 3.10.3)
 * @param silentAfterMs - a process without a beat for so long is taken for dead.
 * @param onWait - told whom it still waits for, whenever that changes.
 * @returns processes that lived when the life began and said nothing: what they owe comes later, or never.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function barrier(
  ledger: Ledger,
  epoch: number,
  silentAfterMs: number,
  onWait: (waiting: readonly AwaitedProcess[]) => void,
): Promise<readonly AwaitedProcess[]> {
  let told = ''
  for (;;) {
    const missing = await unreported(ledger, epoch, silentAfterMs)
    const waiting = missing.filter(({ silentMs }) => silentMs <= silentAfterMs)
    if (waiting.length === 0) return missing
    const names = waiting.map(({ id }) => id).join(' ')
    if (names !== told) onWait(waiting)
    told = names
    await pause(LOOK_AGAIN_MS)
  }
}
