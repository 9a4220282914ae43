import { type SQL, sql } from 'drizzle-orm'

/** Follows the highest (epoch, rev), whatever order postings arrive in. */
const STATE = [
  ...['job', 'n', 'status', 'epoch', 'rev', 'seq', 'hold_nano', 'overrun_nano', 'windows'],
  ...['rung', 'cap', 'posted_at_ms'],
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

/**
 * What a row of an attempt (`excluded`) makes of the one that the ledger has (`entry`). The instant of admission is a part
 * of the key and stays. Column names alone: nothing from outside is spelt here.
 */
export const ENTRY_ASSIGNMENTS: SQL = sql.raw(
  [
    'cost_nano = entry.cost_nano + excluded.cost_nano',
    ...set(STATE, (c) => `case when ${NEWER} then excluded.${c} else entry.${c} end`),
    ...set(META, (c) => `coalesce(entry.${c}, excluded.${c})`),
    ...set(DETAIL, (c) => `case when ${SEES_MORE} then excluded.${c} else entry.${c} end`),
  ].join(', '),
)
