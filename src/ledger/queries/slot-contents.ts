import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { OUTCOMES, splitWindowKey } from '../../admission/outbox.ts'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'

/** What a slot is filled with when its data are gone. Every function throws LEDGER_UNAVAILABLE. */

const WindowRow = z.object({ key: z.string(), spentNano: SafeInteger, firedPercent: z.int() })
/** What the ledger has for one window, nano-USD, and the highest mark that was raised in it. */
export type LedgerWindow = Readonly<z.infer<typeof WindowRow>>

/** Windows with a posting, in an order of the database's own, at most `limit` after one of them; '' = from the start. */
export const windowPage = (
  { db }: Ledger,
  after: string,
  limit: number,
): Promise<LedgerWindow[]> => {
  const { budget, window } = splitWindowKey(after)
  return rowsOf(
    db,
    WindowRow,
    sql`
      with page as (
        select budget, window_id, budget || ':' || window_id as key, spent_nano from window_totals
        where (budget, window_id) > (${budget}, ${window})
        order by budget, window_id limit ${limit}
      )
      select key, spent_nano as "spentNano",
        coalesce((select max(percent) from threshold_events where window_key = key), 0) as "firedPercent"
      from page order by budget, window_id`,
  )
}

const JobRow = z.object({ job: z.string(), outcome: z.enum(OUTCOMES), endedAtMs: SafeInteger })
/** How a request ended. */
export type EndedJob = Readonly<z.infer<typeof JobRow>>

/** Requests that ended at or after an instant, oldest first, at most `limit` after one of them. */
export const endedJobs = (
  { db }: Ledger,
  sinceMs: number,
  after: Pick<EndedJob, 'job' | 'endedAtMs'> | null,
  limit: number,
): Promise<EndedJob[]> =>
  rowsOf(
    db,
    JobRow,
    sql`
      select job, outcome, ended_at_ms as "endedAtMs" from requests
      where ended_at_ms >= ${after?.endedAtMs ?? sinceMs}::bigint
        and (ended_at_ms, job collate "C") > (${after?.endedAtMs ?? 0}::bigint, ${after?.job ?? ''})
      order by ended_at_ms, job collate "C" limit ${limit}`,
  )
