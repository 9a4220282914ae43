import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, type LedgerDb, rowsOf } from '../ledger.ts'
import { isGone, POSTED } from './forward.ts'

/** What the ledger has for one budget window. */
export interface WindowSum {
  /** nano-USD; equals the slot's `spent` less the outbox after the watermark. */
  readonly spentNano: number
  readonly postings: number
}

/** `<budget>:<window>` -> its sum; a window without a posting is absent. */
export type WindowSums = ReadonlyMap<string, WindowSum>

const WindowRow = z.object({ key: z.string(), spent: SafeInteger, postings: SafeInteger })

/**
 * Adds up every posting, and what dropped ones were brought forward as: the truth that `windowTotals` must equal. Reads
 * the whole table.
 */
export const windowSums = (ledger: Ledger): Promise<WindowSums> => sumPostings(ledger.db)

export async function sumPostings(db: LedgerDb): Promise<WindowSums> {
  const rows = await rowsOf(
    db,
    WindowRow,
    sql`
      select key, sum(nano)::bigint as spent, sum(rows)::bigint as postings
      from ${POSTED} posted group by key`,
  )
  return toMap(rows)
}

/** The sums as the drain keeps them, without those of which nothing is kept. Reads one row per window. */
export async function windowTotals(ledger: Ledger): Promise<WindowSums> {
  const rows = await rowsOf(
    ledger.db,
    WindowRow,
    sql`
      select budget || ':' || window_id as key, spent_nano as spent, rows as postings
      from window_totals where not ${isGone('window_id')}`,
  )
  return toMap(rows)
}

const toMap = (rows: readonly z.infer<typeof WindowRow>[]): WindowSums =>
  new Map(rows.map(({ key, spent, postings }) => [key, { spentNano: spent, postings }]))
