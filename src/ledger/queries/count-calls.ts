import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { usageOver } from '../cubes/over.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import type { TimeRange } from './time-range.ts'

const Calls = z.object({ calls: SafeInteger })

/** How many calls were admitted in a range. @throws {BursarError} LEDGER_UNAVAILABLE. */
export async function countCalls({ db }: Pick<Ledger, 'db'>, range: TimeRange): Promise<number> {
  const [row] = await rowsOf(
    db,
    Calls,
    sql`select coalesce(sum(calls), 0) as calls from ${usageOver(range)} used`,
  )
  return row?.calls ?? 0
}
