import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { HOUR_MS, type SpendHours, spendHours } from '../../insight/spend-hours.ts'
import { SafeInteger } from '../columns.ts'
import { COMPANY_HOURLY } from '../cubes/cubes.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { type Filters, planCubes } from './dimensions.ts'
import { conditions } from './sums.ts'

const Row = z.object({ atMs: SafeInteger, costNano: SafeInteger })
type Row = z.infer<typeof Row>

const DAY_HOURS = 24

export interface HistoryQuestion {
  /** Who and what; `{}` = everybody. */
  readonly where: Filters
  /** UTC ms; hours before are left out. */
  readonly fromMs: number
  /** UTC ms; the hour that holds it is left out. */
  readonly untilMs: number
}

export interface History {
  /** Hours that are over. */
  readonly hours: SpendHours
  /** Spent since the full hour; null where only days are kept. */
  readonly hourNano: number | null
}

/**
 * What was spent hour by hour. By a user, a key, a provider or a tag only days are kept: each is spread evenly over its
 * hours, and the day that is not over is left out. Nothing spent = no hours. Throws INVALID_ARGUMENT, LEDGER_UNAVAILABLE.
 */
export async function spendHistory(
  ledger: Pick<Ledger, 'db'>,
  { where, fromMs, untilMs }: HistoryQuestion,
): Promise<History> {
  const plan = planCubes([], where)
  const { table, grain } = plan.cubes.at(-1) ?? COMPANY_HOURLY
  const time = `${grain}_ms`
  const rows = await costBy(ledger, {
    table: sql.raw(table),
    time: sql.raw(time),
    within: sql`${sql.raw(time)} >= ${fromMs}::bigint and ${sql.raw(time)} <= ${untilMs}::bigint and ${conditions(plan)}`,
  })
  if (grain !== 'hour') return { hours: spreadDays(rows, untilMs), hourNano: null }
  const hourMs = Math.floor(untilMs / HOUR_MS) * HOUR_MS
  const hours = rows.map(({ atMs, costNano }) => ({ hourMs: atMs, costNano }))
  return {
    hours: spendHours(hours, untilMs),
    hourNano: rows.find(({ atMs }) => atMs === hourMs)?.costNano ?? 0,
  }
}

const costBy = (
  { db }: Pick<Ledger, 'db'>,
  { table, time, within }: { table: SQL; time: SQL; within: SQL },
): Promise<Row[]> =>
  rowsOf(
    db,
    Row,
    sql`
      select ${time} as "atMs", sum(cost_nano)::bigint as "costNano" from ${table}
      where ${within} and kind in ('call', 'adjustment') group by 1 order by 1`,
  )

function spreadDays(rows: readonly Row[], untilMs: number): SpendHours {
  const todayMs = Math.floor(untilMs / (DAY_HOURS * HOUR_MS)) * DAY_HOURS * HOUR_MS
  const hours = rows.flatMap(({ atMs, costNano }) =>
    Array.from({ length: DAY_HOURS }, (_, hour) => ({
      hourMs: atMs + hour * HOUR_MS,
      costNano: costNano / DAY_HOURS,
    })),
  )
  return spendHours(hours, todayMs)
}
