import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { type LedgerDb, rowsOf, run } from '../ledger.ts'
import { type Row, rowsJson } from '../rows.ts'

type Table = 'postings' | 'window_totals' | 'threshold_events'

/** Rows of a JSON parameter as rows of a table, matched by column name; a missing column is null. */
const given = (table: Table, rows: readonly Row[]): SQL =>
  sql`json_populate_recordset(null::${sql.identifier(table)}, ${rowsJson(rows)}::text::json)`

const Seq = z.object({ seq: z.string() })

/** @returns the outbox ids of the postings that were not in the ledger yet, each key once. */
export async function insertPostings(db: LedgerDb, rows: readonly Row[]): Promise<Set<string>> {
  if (rows.length === 0) return new Set()
  const inserted = await rowsOf(
    db,
    Seq,
    sql`insert into postings select * from ${given('postings', rows)} on conflict do nothing returning seq`,
  )
  return new Set(inserted.map((row) => row.seq))
}

const Conflict = z.object({ attempt: z.string(), epoch: z.number(), rev: z.number() })
export type Conflict = z.infer<typeof Conflict>

/** What makes two postings under one key the same; `seq` and `posted_at_ms` may differ between deliveries. */
const CONTENT = sql.raw(
  [
    'kind',
    'job',
    'n',
    'delta_nano',
    'booked_nano',
    'hold_nano',
    'overrun_nano',
    'windows',
    'rung',
    'cap',
  ]
    .map((column) => `(kept.${column} is distinct from refused.${column})`)
    .join(' or '),
)

/**
 * Compares postings that were not inserted with what the ledger has under their keys, and records each that differs.
 * @returns the recorded ones; empty when all were plain duplicates.
 */
export async function recordConflicts(db: LedgerDb, rows: readonly Row[]): Promise<Conflict[]> {
  if (rows.length === 0) return []
  return await rowsOf(
    db,
    Conflict,
    sql`
      insert into ledger_conflicts
      select attempt, epoch, rev, refused.seq, to_jsonb(kept), to_jsonb(refused), refused.posted_at_ms
      from ${given('postings', rows)} refused
      join postings kept using (attempt, epoch, rev, admitted_at_ms)
      where ${CONTENT}
      on conflict do nothing
      returning attempt, epoch, rev`,
  )
}

/** Adds to the totals of budget windows. */
export async function addWindowTotals(db: LedgerDb, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return
  await run(
    db,
    sql`
      insert into window_totals as total select * from ${given('window_totals', rows)}
      on conflict (budget, window_id) do update
      set spent_nano = total.spent_nano + excluded.spent_nano, rows = total.rows + excluded.rows`,
  )
}

/** Each percent of a window once. */
export async function insertThresholds(db: LedgerDb, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return
  await run(
    db,
    sql`
      insert into threshold_events (window_key, percent, spent_nano, limit_nano, at_ms)
      select window_key, percent, spent_nano, limit_nano, at_ms
      from ${given('threshold_events', rows)}
      on conflict (window_key, percent) do nothing`,
  )
}
