import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, type LedgerDb, rowsOf } from '../ledger.ts'

/** What the ledger has for one budget window. */
export interface WindowSum {
  /** nano-USD; equals the slot's `spent` less the outbox after the watermark. */
  readonly spentNano: number
  readonly postings: number
}

/** `<budget>:<window>` -> its sum; a window without a posting is absent. */
export type WindowSums = ReadonlyMap<string, WindowSum>

const WindowRow = z.object({ key: z.string(), spent: SafeInteger, postings: SafeInteger })

/** What was posted to each window, as a relation (key, nano, rows) with several rows of one key. */
export const POSTED: SQL = sql`(
  select key, sum(delta_nano) as nano, count(*) as rows
  from postings, unnest(windows) as key group by key
  union all
  select budget || ':' || window_id, spent_nano, rows from window_forward
)`

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

/** The sums as the drain keeps them. Reads one row per window. */
export async function windowTotals(ledger: Ledger): Promise<WindowSums> {
  const rows = await rowsOf(
    ledger.db,
    WindowRow,
    sql`
      select budget || ':' || window_id as key, spent_nano as spent, rows as postings
      from window_totals`,
  )
  return toMap(rows)
}

const toMap = (rows: readonly z.infer<typeof WindowRow>[]): WindowSums =>
  new Map(rows.map(({ key, spent, postings }) => [key, { spentNano: spent, postings }]))
