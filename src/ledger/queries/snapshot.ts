import { sql } from 'drizzle-orm'
import { type Ledger, run } from '../ledger.ts'
import { readSlotRow, type SlotRow } from '../slot-row.ts'
import { sumPostings, type WindowSums } from './window-sums.ts'

export interface LedgerSnapshot extends SlotRow {
  readonly sums: WindowSums
}

/**
 * The sums of all postings together with the watermark they belong to: counters equal these sums plus the outbox
 * after `watermark`, while the slot is in `epoch`. A drain writes both in one transaction, so one snapshot is enough:
 * nobody waits.
 */
export const ledgerSnapshot = (ledger: Ledger): Promise<LedgerSnapshot> =>
  ledger.transaction(async (tx) => {
    await run(tx, sql`set transaction isolation level repeatable read, read only`)
    const slot = await readSlotRow({ db: tx })
    return { ...slot, sums: await sumPostings(tx) }
  })
