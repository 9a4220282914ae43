import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from '../ledger.ts'
import { nowMs as databaseNow } from '../processes.ts'
import { rowsJson } from '../rows.ts'
import { lockSlotRow } from '../slot-row.ts'
import type { ClosePeriod, CloseReason } from '../tables/closes.ts'
import {
  type Change,
  changesSince,
  type NamedChange,
  namedChanges,
  periodTotals,
  type SealedPeriod,
  TOTAL_COLUMNS,
} from './totals.ts'

/** A day or a month of a timezone's calendar, [startMs, endMs). */
export interface Period extends SealedPeriod {
  readonly period: ClosePeriod
}

const Kept = z.object({ lookedAtMs: SafeInteger })

/**
 * Seals the totals of a period, once: again changes nothing. The drain waits meanwhile, so that the totals are those of
 * one moment.
 * @returns false when it was sealed before.
 * @throws {BursarError} LEDGER_UNAVAILABLE, here and below.
 */
export const sealPeriod = (ledger: Ledger, sealed: Period, by: string): Promise<boolean> =>
  ledger.transaction(async (tx) => {
    await lockSlotRow(tx)
    const { period, window, timezone, startMs, endMs } = sealed
    const fresh = await rowsOf(
      tx,
      Kept,
      sql`
        insert into closes
          (period, window_id, timezone, start_ms, end_ms, sealed_at_ms, sealed_by, looked_at_ms)
        values (${period}, ${window}, ${timezone}, ${startMs}::bigint, ${endMs}::bigint, ${databaseNow}, ${by},
          ${databaseNow})
        on conflict (period, window_id, timezone) do nothing returning looked_at_ms as "lookedAtMs"`,
    )
    if (fresh.length === 0) return false
    await run(
      tx,
      sql`
        insert into close_totals (period, window_id, timezone, ${TOTAL_COLUMNS})
        select ${period}, ${window}, ${timezone}, ${TOTAL_COLUMNS}
        from ${periodTotals(startMs, endMs)} used`,
    )
    return true
  })

/**
 * Writes down what a sealed period is worth more or less since the last look, by reason. Its totals never change.
 * @returns how many adjustments were written; 0 when nothing came, or the period is not sealed.
 */
export const adjustPeriod = (ledger: Ledger, sealed: Period): Promise<number> =>
  ledger.transaction(async (tx) => {
    await lockSlotRow(tx)
    const [close] = await rowsOf(
      tx,
      Kept,
      sql`select looked_at_ms as "lookedAtMs" from closes where ${isPeriod(sealed)}`,
    )
    if (!close) return 0
    const changes = await changesSince(tx, sealed)
    const named = changes.length === 0 ? [] : await namedChanges(tx, sealed, close.lookedAtMs)
    const rows = withReasons(changes, named)
    if (rows.length > 0) await insertAdjustments(tx, sealed, rows)
    await run(tx, sql`update closes set looked_at_ms = ${databaseNow} where ${isPeriod(sealed)}`)
    return rows.length
  })

const isPeriod = ({ period, window, timezone }: Period) =>
  sql`period = ${period} and window_id = ${window} and timezone = ${timezone}`

type Reasoned = Change & { readonly reason: CloseReason }

/** What no name explains was settled late. Together the rows are the change, to the nano. */
export function withReasons(
  changes: readonly Change[],
  named: readonly NamedChange[],
): readonly Reasoned[] {
  return changes.flatMap((change) => {
    const rest = { ...change }
    const mine = named.filter(
      ({ tenant, tier, model }) =>
        tenant === change.tenant && tier === change.tier && model === change.model,
    )
    const rows = mine.map(({ reason, costNano, listNano }) => {
      rest.costNano -= costNano
      rest.listNano -= listNano
      return { ...change, calls: 0, costNano, listNano, reason }
    })
    const isExplained = rest.calls === 0 && rest.costNano === 0 && rest.listNano === 0
    return isExplained ? rows : [...rows, { ...rest, reason: 'late-settlement' as const }]
  })
}

const insertAdjustments = (
  tx: LedgerDb,
  sealed: Period,
  rows: readonly Reasoned[],
): Promise<void> => {
  const { period, window, timezone } = sealed
  const given = rows.map(({ costNano, listNano, ...row }) => ({
    ...row,
    ...{ cost_nano: costNano, list_nano: listNano },
  }))
  return run(
    tx,
    sql`
      insert into close_adjustments (period, window_id, timezone, n, tenant, tier, model, reason, calls,
        cost_nano, list_nano, adjusted_at_ms)
      select ${period}, ${window}, ${timezone}, (
          select coalesce(max(n), 0) + 1 from close_adjustments where ${isPeriod(sealed)}
        ), tenant, tier, model, reason, calls, cost_nano, list_nano, ${databaseNow}
      from json_to_recordset(${rowsJson(given)}::text::json) given
        (tenant text, tier text, model text, reason text, calls bigint, cost_nano bigint, list_nano bigint)`,
  )
}
