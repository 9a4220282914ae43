import { sql } from 'drizzle-orm'
import { type Ledger, run } from '../ledger.ts'
import { lockSlotRow, type SlotRow } from '../slot-row.ts'
import { sumPostings, type WindowSums } from './window-sums.ts'

export interface LedgerSnapshot extends SlotRow {
  readonly sums: WindowSums
}

/**
 * The sums of all postings together with the watermark they belong to: counters equal these sums plus the outbox
 * after `watermark`, while the slot is in `epoch`. Drains wait meanwhile, for one scan of the postings.
 */
export const ledgerSnapshot = (ledger: Ledger): Promise<LedgerSnapshot> =>
  ledger.transaction(async (tx) => {
    await run(tx, sql`set transaction isolation level repeatable read`)
    const slot = await lockSlotRow(tx)
    return { ...slot, sums: await sumPostings(tx) }
  })
