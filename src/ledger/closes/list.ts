import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { CLOSE_PERIODS, CLOSE_REASONS, type ClosePeriod } from '../tables/closes.ts'
import type { Period } from './seal.ts'

const CloseRow = z.object({
  period: z.enum(CLOSE_PERIODS),
  ...{ window: z.string(), timezone: z.string() },
  ...{ startMs: SafeInteger, endMs: SafeInteger, sealedAtMs: SafeInteger },
  sealedBy: z.string(),
  /** As it was sealed, and what came since, nano-USD. */
  ...{ calls: SafeInteger, requests: SafeInteger, costNano: SafeInteger, listNano: SafeInteger },
  adjustedNano: SafeInteger,
})
/** A sealed period and what it is worth. */
export type CloseSum = Readonly<z.infer<typeof CloseRow>>

/** Sealed periods that touch a range, the newest first. @throws {BursarError} LEDGER_UNAVAILABLE, here and below. */
export const listCloses = (
  { db }: Pick<Ledger, 'db'>,
  range: { readonly fromMs: number; readonly toMs: number; readonly limit: number },
): Promise<CloseSum[]> =>
  rowsOf(
    db,
    CloseRow,
    sql`
      select period, window_id as window, timezone, start_ms as "startMs", end_ms as "endMs",
        sealed_at_ms as "sealedAtMs", sealed_by as "sealedBy", coalesce(total.calls, 0) as calls,
        coalesce(total.requests, 0) as requests, coalesce(total.cost, 0) as "costNano",
        coalesce(total.list, 0) as "listNano", coalesce(since.cost, 0) as "adjustedNano"
      from closes left join lateral (
        select sum(calls)::bigint as calls, sum(requests)::bigint as requests, sum(cost_nano)::bigint as cost,
          sum(list_nano)::bigint as list
        from close_totals where (period, window_id, timezone) = (closes.period, closes.window_id, closes.timezone)
      ) total on true left join lateral (
        select sum(cost_nano)::bigint as cost from close_adjustments
        where (period, window_id, timezone) = (closes.period, closes.window_id, closes.timezone)
      ) since on true
      where end_ms > ${range.fromMs}::bigint and start_ms < ${range.toMs}::bigint
      order by end_ms desc, period, timezone limit ${range.limit}`,
  )

const sums = { tenant: z.string(), tier: z.string(), model: z.string() }
const PartRow = z.object({
  ...sums,
  calls: SafeInteger,
  costNano: SafeInteger,
  listNano: SafeInteger,
})
const AdjustmentRow = PartRow.extend({
  n: z.int(),
  reason: z.enum(CLOSE_REASONS),
  adjustedAtMs: SafeInteger,
})
/** One line that finance signs. */
export type ClosePart = Readonly<z.infer<typeof PartRow>>
export type CloseAdjustment = Readonly<z.infer<typeof AdjustmentRow>>

type Named = Pick<Period, 'period' | 'window' | 'timezone'>

/** The sealed lines of a period, the dearest first; empty = it is not sealed, or nothing happened in it. */
export const closeParts = (
  { db }: Pick<Ledger, 'db'>,
  { period, window, timezone }: Named,
): Promise<ClosePart[]> =>
  rowsOf(
    db,
    PartRow,
    sql`
      select tenant, tier, model, calls, cost_nano as "costNano", list_nano as "listNano" from close_totals
      where period = ${period} and window_id = ${window} and timezone = ${timezone}
      order by cost_nano desc, tenant, tier, model`,
  )

/** What came since, in order. */
export const closeAdjustmentsOf = (
  { db }: Pick<Ledger, 'db'>,
  { period, window, timezone }: Named,
): Promise<CloseAdjustment[]> =>
  rowsOf(
    db,
    AdjustmentRow,
    sql`
      select n, tenant, tier, model, reason, calls, cost_nano as "costNano", list_nano as "listNano",
        adjusted_at_ms as "adjustedAtMs"
      from close_adjustments
      where period = ${period} and window_id = ${window} and timezone = ${timezone}
      order by n, tenant, tier, model, reason`,
  )

const Ended = z.object({ endMs: SafeInteger.nullable() })

/** Where the newest sealed period of a timezone ends; null = none is sealed. */
export async function sealedUntil(
  { db }: Pick<Ledger, 'db'>,
  period: ClosePeriod,
  timezone: string,
): Promise<number | null> {
  const [row] = await rowsOf(
    db,
    Ended,
    sql`
      select max(end_ms) as "endMs" from closes where period = ${period} and timezone = ${timezone}`,
  )
  return row?.endMs ?? null
}
