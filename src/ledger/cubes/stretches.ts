import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { type Month, monthOf } from '../partitions.ts'

/** Calls and requests that one look counts anew: it takes well under a second, and a rebuild blocks the drain no longer. */
const MOST_ROWS = 50_000

/** Whole days of one month (UTC) that are looked at together. */
export interface Stretch {
  readonly fromMs: number
  /** The first instant that is not in it. */
  readonly toMs: number
  /** Calls and requests in it, as the sums say. */
  readonly rows: number
  /** The month that it ends; null = more of it follows. */
  readonly endsMonth: Month | null
  /** Retention dropped its calls: only sums are left. */
  readonly isDropped: boolean
}

const Day = z.object({ dayMs: SafeInteger, rows: SafeInteger })
const Dropped = z.object({ month: z.string() })

/**
 * Cuts the time since the month of an instant into days that are looked at together, up to the month after the newest.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function stretchesSince(
  { db }: Pick<Ledger, 'db'>,
  { sinceMs, nowMs }: { readonly sinceMs: number; readonly nowMs: number },
): Promise<readonly Stretch[]> {
  const first = monthOf(sinceMs)
  const days = await rowsOf(
    db,
    Day,
    sql`
      select day_ms as "dayMs", sum(calls + requests)::bigint as rows from usage_company_daily
      where day_ms >= ${first.fromMs}::bigint group by day_ms order by day_ms`,
  )
  const gone = await rowsOf(db, Dropped, sql`select left(month, 7) as month from dropped_months`)
  const dropped = new Set(gone.map(({ month }) => month))
  const lastMs = Math.max(nowMs, days.at(-1)?.dayMs ?? 0)
  const stretches: Stretch[] = []
  for (let month = first; month.fromMs <= lastMs; month = monthOf(month.fromMs, 1)) {
    const own = days.filter(({ dayMs }) => dayMs >= month.fromMs && dayMs < month.toMs)
    stretches.push(...ofMonth(month, own, dropped.has(month.name)))
  }
  return stretches
}

function ofMonth(month: Month, days: readonly z.infer<typeof Day>[], isDropped: boolean) {
  const stretches: Stretch[] = []
  let [fromMs, rows] = [month.fromMs, 0]
  for (const day of days) {
    if (rows > 0 && rows + day.rows > MOST_ROWS) {
      stretches.push({ fromMs, toMs: day.dayMs, rows, endsMonth: null, isDropped })
      fromMs = day.dayMs
      rows = 0
    }
    rows += day.rows
  }
  return [...stretches, { fromMs, toMs: month.toMs, rows, endsMonth: month, isDropped }]
}

/** Where a look begins that was not told: the month before, in which late bills still come. */
export const lastMonthMs = (nowMs: number): number => monthOf(nowMs, -1).fromMs
