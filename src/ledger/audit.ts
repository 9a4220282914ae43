import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from './columns.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'
import type { AuditStep } from './tables/audit.ts'

/** One step of a change. */
export interface AuditRow {
  /** The same for each step of a change. */
  readonly change: string
  readonly step: AuditStep
  readonly atMs: number
  /** `operator`, `key <id>`, `file`. */
  readonly by: string
  /** Name of the command. */
  readonly action: string
  /** Plain JSON without secrets. */
  readonly body: unknown
}

/** Writes a step down, in a transaction of the caller's where there is one. @throws {BursarError} LEDGER_UNAVAILABLE. */
export const recordStep = (db: LedgerDb, row: AuditRow): Promise<void> =>
  run(
    db,
    sql`
      insert into audit (change, step, at_ms, by, action, body)
      values (${row.change}, ${row.step}, ${row.atMs}::bigint, ${row.by}, ${row.action},
        ${JSON.stringify(row.body ?? null)}::text::jsonb)
      on conflict (change, step) do nothing`,
  )

const Change = z.object({
  id: SafeInteger,
  change: z.string(),
  atMs: SafeInteger,
  by: z.string(),
  action: z.string(),
  input: z.json(),
  /** null = it was cut off, or goes on. */
  outcome: z.enum(['done', 'failed']).nullable(),
  result: z.json(),
})
/** A change that was asked for, and how it ended. */
export type AuditedChange = Readonly<z.infer<typeof Change>>

/** Which changes are wanted. */
export interface AuditFilter {
  readonly action?: string | undefined
  readonly by?: string | undefined
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  /** Only those before this id: the next page. */
  readonly before?: number | undefined
  readonly limit: number
}

/** Changes, newest first. @throws {BursarError} LEDGER_UNAVAILABLE. */
export function listChanges({ db }: Pick<Ledger, 'db'>, wanted: AuditFilter) {
  const { action, by, fromMs, toMs, before, limit } = wanted
  const conditions = [
    sql`asked.step = 'asked'`,
    ...(action === undefined ? [] : [sql`asked.action = ${action}`]),
    ...(by === undefined ? [] : [sql`asked.by = ${by}`]),
    ...(fromMs === undefined ? [] : [sql`asked.at_ms >= ${fromMs}::bigint`]),
    ...(toMs === undefined ? [] : [sql`asked.at_ms < ${toMs}::bigint`]),
    ...(before === undefined ? [] : [sql`asked.id < ${before}::bigint`]),
  ]
  return rowsOf(
    db,
    Change,
    sql`
      select asked.id, asked.change, asked.at_ms as "atMs", asked.by, asked.action, asked.body as input,
        ended.step as outcome, ended.body as result
      from audit asked
        left join audit ended on ended.change = asked.change and ended.step <> 'asked'
      where ${sql.join(conditions, sql` and `)}
      order by asked.id desc limit ${limit}`,
  )
}
