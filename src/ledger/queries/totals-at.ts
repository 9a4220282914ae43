import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { splitWindowKey } from '../../admission/outbox.ts'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf, run } from '../ledger.ts'
import { readSlotRow, type SlotRow } from '../slot-row.ts'

const Total = z.object({ key: z.string(), spent: SafeInteger })

/** Totals of some windows, with the watermark that they belong to. */
export interface TotalsAt extends SlotRow {
  /** `<budget>:<window>` -> nano-USD; a window without a posting is absent. */
  readonly totals: ReadonlyMap<string, number>
}

/** Reads the totals of these windows, and how far the ledger had read the slot at that moment, as one picture. */
export const totalsAt = (ledger: Ledger, keys: readonly string[]): Promise<TotalsAt> =>
  ledger.transaction(async (tx) => {
    await run(tx, sql`set transaction isolation level repeatable read, read only`)
    const slot = await readSlotRow({ db: tx })
    const rows = await rowsOf(
      tx,
      Total,
      sql`
        select budget || ':' || window_id as key, spent_nano as spent
        from window_totals
        join json_to_recordset(${JSON.stringify(keys.map(splitWindowKey))}::text::json)
          as wanted(budget text, "window" text)
          using (budget)
        where window_id = wanted."window"`,
    )
    return { ...slot, totals: new Map(rows.map(({ key, spent }) => [key, spent])) }
  })
