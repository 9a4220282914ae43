import { type SQL, sql } from 'drizzle-orm'
import { type LedgerDb, run } from '../ledger.ts'
import { type Row, rowsJson } from '../rows.ts'

/** Follows the highest (epoch, rev), whatever order postings arrive in. */
const STATE = [
  ...['job', 'n', 'status', 'epoch', 'rev', 'seq', 'hold_nano', 'overrun_nano', 'windows'],
  ...['rung', 'cap', 'admitted_at_ms', 'posted_at_ms'],
]

/** The same in every posting that has it. */
const META = [
  ...['tenant', 'user_id', 'tier', 'tags', 'operation', 'urgency', 'model_requested'],
  ...['enqueued_at_ms', 'model', 'provider', 'input_tokens_held', 'price_version'],
  'policy_version',
]

/** Belongs together: all from the newest posting whose caller saw the call. */
const DETAIL = [
  ...['seen', 'reason', 'http_status', 'input_tokens', 'cached_input_tokens', 'cache_write_tokens'],
  ...['output_tokens', 'reasoning_tokens', 'list_nano', 'note_nano', 'served_model'],
  ...['service_tier', 'provider_request_id', 'estimated', 'started_at_ms', 'ended_at_ms'],
]

const NEWER = '(excluded.epoch, excluded.rev) > (entry.epoch, entry.rev)'
const SEES_MORE = `(excluded.seen is not null and (entry.seen is null or ${NEWER}))`

const set = (columns: readonly string[], value: (column: string) => string): string[] =>
  columns.map((column) => `${column} = ${value(column)}`)

/** Column names alone: nothing from outside is spelt here. */
const ASSIGNMENTS: SQL = sql.raw(
  [
    'cost_nano = entry.cost_nano + excluded.cost_nano',
    ...set(STATE, (c) => `case when ${NEWER} then excluded.${c} else entry.${c} end`),
    ...set(META, (c) => `coalesce(entry.${c}, excluded.${c})`),
    ...set(DETAIL, (c) => `case when ${SEES_MORE} then excluded.${c} else entry.${c} end`),
  ].join(', '),
)

/** Adds postings that were inserted just now to the entries of their attempts; each attempt at most once in `rows`. */
export async function upsertEntries(db: LedgerDb, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return
  await run(
    db,
    sql`
      insert into entries as entry
      select * from json_populate_recordset(null::entries, ${rowsJson(rows)}::text::json)
      on conflict (attempt) do update set ${ASSIGNMENTS}`,
  )
}
