import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Nano } from '../../money/nano.ts'
import { SafeInteger } from '../columns.ts'
import { usageOver } from '../cubes/over.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import type { TimeRange } from './time-range.ts'

const Row = z.object({ savedNano: SafeInteger })

/** What answers that were used again within `range` had cost when they were paid. Throws like `rowsOf`. */
export async function savedTotal(ledger: Ledger, range: TimeRange): Promise<Nano> {
  const saved = sql`
    select coalesce(sum(saved_nano), 0)::bigint as "savedNano" from ${usageOver(range)} usage`
  return (await rowsOf(ledger.db, Row, saved))[0]?.savedNano ?? 0
}
