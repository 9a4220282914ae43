import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { OUTCOMES, type Outcome } from '../../admission/outbox.ts'
import { SafeInteger } from '../columns.ts'
import { usageOver } from '../cubes/over.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import type { TimeRange } from './time-range.ts'

/** Requests by their end; an outcome nobody had is 0. */
export type OutcomeCounts = Readonly<Record<Outcome, number>>

const OutcomeRow = z.object({ outcome: z.enum(OUTCOMES), requests: SafeInteger })

export const noOutcomes = (): Record<Outcome, number> => ({
  answered: 0,
  cached: 0,
  joined: 0,
  refused: 0,
  expired: 0,
  cancelled: 0,
  failed: 0,
})

/** Counts requests that ended within `range`. */
export async function outcomeCounts(ledger: Ledger, range: TimeRange = {}): Promise<OutcomeCounts> {
  const rows = await rowsOf(
    ledger.db,
    OutcomeRow,
    sql`
      select case kind when 'call' then 'answered' else kind end as outcome, sum(requests)::bigint as requests
      from ${usageOver(range)} usage
      where kind <> 'adjustment' group by 1`,
  )
  const counts = noOutcomes()
  for (const { outcome, requests } of rows) counts[outcome] = requests
  return counts
}
