import type { ReadSlot } from '../place/read-slot.ts'
import type { Findings } from './findings.ts'

export interface HoldCheck {
  /** Live holds, overdue ones too. */
  readonly open: number
}

/** The sweeper runs every 5 s in some process; a hold that is this late has nobody who looks after it. */
const GRACE_MS = 30_000
const MOST_LISTED = 1_001

/** Names holds whose time is over and that nobody has booked. */
export async function checkHolds(slot: ReadSlot, findings: Findings): Promise<HoldCheck> {
  const nowMs = await slot.now()
  for (const { attempt, expiresAtMs } of await slot.holdsDueBefore(nowMs - GRACE_MS, MOST_LISTED)) {
    const found = `expired ${new Date(expiresAtMs).toISOString()}; npx bursar start --roles jobs books it`
    findings.add('hold-overdue', attempt, found)
  }
  return { open: await slot.countHolds() }
}
