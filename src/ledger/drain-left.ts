import type { Outbox } from '../admission/outbox.ts'
import { writeEntries } from './drain.ts'
import type { Ledger } from './ledger.ts'
import { lockSlotRow } from './slot-row.ts'

const PAGE_ENTRIES = 500

/**
 * Brings everything that the outbox of a closed slot has to the ledger, whatever the watermark says: what the ledger has,
 * it leaves. (PROTOCOL 3.10.1) Again is harmless; the watermark stays.
 * @returns how many postings were new to the ledger.
 * @throws {BursarError} LEDGER_UNAVAILABLE, and what the outbox throws.
 */
export async function drainLeft(ledger: Ledger, outbox: Pick<Outbox, 'read'>): Promise<number> {
  let fresh = 0
  for (let after = '0'; ; ) {
    const page = await outbox.read(after, PAGE_ENTRIES)
    const last = page.at(-1)
    if (last === undefined) return fresh
    fresh += await ledger.transaction(async (tx) => {
      const { epoch } = await lockSlotRow(tx)
      return (await writeEntries(tx, page, epoch)).postings
    })
    after = last.id
  }
}
