import { type SQL, sql } from 'drizzle-orm'

/** UTC ms; `fromMs` included, `toMs` not; absent = without end. */
export interface TimeRange {
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

/** A condition on one column of a hand-written statement; `column` is never from outside. */
export function within(column: string, { fromMs, toMs }: TimeRange): SQL {
  const name = sql.raw(column)
  const from = fromMs === undefined ? sql`true` : sql`${name} >= ${fromMs}::bigint`
  const to = toMs === undefined ? sql`true` : sql`${name} < ${toMs}::bigint`
  return sql`${from} and ${to}`
}
