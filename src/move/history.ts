import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { BursarError } from '../errors.ts'
import { SafeInteger } from '../ledger/columns.ts'
import {
  COMPANY_DAILY,
  COMPANY_HOURLY,
  COMPANY_MONTHLY,
  COMPANY_TAGS,
  type Cube,
  DAILY,
  HOURLY,
  KEYS_DAILY,
  KEYS_MONTHLY,
  MONTHLY,
  TAGS,
  TENANTS_DAILY,
  TENANTS_MONTHLY,
  USERS_DAILY,
  USERS_MONTHLY,
} from '../ledger/cubes/cubes.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from '../ledger/ledger.ts'
import { TABLES, type Table, type Ticker } from './types.ts'

const USAGE_NANO = ['cost_nano', 'list_nano', 'saved_nano', 'unconfirmed_nano', 'overrun_nano']
const usage = ({ key }: Cube) => ({ key: key.join(', '), nano: USAGE_NANO })

/** The primary key of each table, by which its pages are cut, and its amounts of nano-USD. */
const LAYOUT: Readonly<Record<Table, { readonly key: string; readonly nano: readonly string[] }>> =
  {
    policies: { key: 'version', nano: [] },
    postings: {
      key: 'attempt, epoch, rev, admitted_at_ms',
      nano: ['delta_nano', 'booked_nano', 'hold_nano', 'overrun_nano'],
    },
    entries: {
      key: 'attempt, admitted_at_ms',
      nano: ['cost_nano', 'hold_nano', 'overrun_nano', 'list_nano'],
    },
    requests: { key: 'job, ended_at_ms', nano: ['saved_nano'] },
    window_totals: { key: 'budget, window_id', nano: ['spent_nano'] },
    dropped_months: { key: 'month', nano: [] },
    window_forward: { key: 'month, budget, window_id', nano: ['spent_nano'] },
    usage_hourly: usage(HOURLY),
    usage_daily: usage(DAILY),
    usage_monthly: usage(MONTHLY),
    usage_tags: usage(TAGS),
    usage_company_hourly: usage(COMPANY_HOURLY),
    usage_company_daily: usage(COMPANY_DAILY),
    usage_company_monthly: usage(COMPANY_MONTHLY),
    usage_tenants_daily: usage(TENANTS_DAILY),
    usage_tenants_monthly: usage(TENANTS_MONTHLY),
    usage_company_tags: usage(COMPANY_TAGS),
    usage_users_daily: usage(USERS_DAILY),
    usage_users_monthly: usage(USERS_MONTHLY),
    usage_keys_daily: usage(KEYS_DAILY),
    usage_keys_monthly: usage(KEYS_MONTHLY),
    threshold_events: { key: 'id', nano: ['spent_nano', 'limit_nano'] },
    ledger_conflicts: { key: 'attempt, epoch, rev, seq', nano: [] },
    api_keys: { key: 'id', nano: [] },
    credits: { key: 'id', nano: ['amount_nano', 'limit_nano'] },
    user_tiers: { key: 'version', nano: [] },
    audit: { key: 'id', nano: [] },
    job_webhooks: { key: 'id', nano: [] },
    job_webhook_tries: { key: 'id, n', nano: [] },
    price_snapshots: { key: 'number', nano: [] },
    adjustments: { key: 'attempt, n', nano: ['cost_nano', 'list_nano'] },
    closes: { key: 'period, window_id, timezone', nano: [] },
    close_totals: {
      key: 'period, window_id, timezone, tenant, tier, model',
      nano: ['cost_nano', 'list_nano', 'saved_nano', 'unconfirmed_nano'],
    },
    close_adjustments: {
      key: 'period, window_id, timezone, n, tenant, tier, model, reason',
      nano: ['cost_nano', 'list_nano'],
    },
    scheduled_jobs: { key: 'name', nano: [] },
    job_runs: { key: 'job, tick_ms', nano: [] },
    alerts: { key: 'id', nano: [] },
    alert_history: { key: 'id', nano: [] },
    alert_marks: { key: 'name', nano: [] },
    alert_notices: { key: 'id', nano: [] },
    alert_deliveries: { key: 'id', nano: [] },
    alert_tries: { key: 'delivery, n', nano: [] },
  }

/** Rows of one page: about a megabyte on its way. */
const PAGE_ROWS = 500

const TableSums = z.object({
  rows: SafeInteger,
  /** Sums of the amounts, digits; together they may pass 2^53. */
  nano: z.string(),
  /** Sum over the rows' hashes: the same rows have the same, in whatever order. */
  content: z.string(),
})
/** What two copies of a table have in common. */
export type TableSums = Readonly<z.infer<typeof TableSums>>

const nothing: TableSums = { rows: 0, nano: '', content: '0' }

/** 60 bits of each row's hash: as a number PostgreSQL adds them up without an order. */
const ROW_HASH = sql.raw(
  `('x' || left(encode(sha256(convert_to(t::text, 'UTF8')), 'hex'), 15))::bit(60)::bigint`,
)

/** Adds up one table. Reads all of it, in the database alone. */
export async function tableSums({ db }: Ledger, table: Table): Promise<TableSums> {
  const amounts = LAYOUT[table].nano.map((column) => `coalesce(sum(${column}), 0)`)
  const nano = amounts.length === 0 ? `''` : `concat_ws(' ', ${amounts.join(', ')})`
  const [sums] = await rowsOf(
    db,
    TableSums,
    sql`
      select count(*) as rows, ${sql.raw(nano)} as nano, coalesce(sum(${ROW_HASH}), 0)::text as content
      from ${sql.identifier(table)} t`,
  )
  return sums ?? nothing
}

const same = (a: TableSums, b: TableSums): boolean =>
  a.rows === b.rows && a.nano === b.nano && a.content === b.content

/**
 * Copies every table of the ledger, page by page, and compares both sides: rows, sums of nano-USD, content. What the
 * target has already is left as it is, so that a copy that was cut off goes on.
 * @throws {BursarError} MOVE_DIFFERS naming each table that is not the same afterwards; LEDGER_UNAVAILABLE, MOVE_STOPPED.
 */
export async function copyHistory(
  from: Ledger,
  to: Ledger,
  ticker: Ticker,
  pageRows = PAGE_ROWS,
): Promise<ReadonlyMap<Table, TableSums>> {
  const copied = new Map<Table, TableSums>()
  const differences: string[] = []
  for (const table of TABLES) {
    const wanted = await tableSums(from, table)
    copied.set(table, wanted)
    if (same(wanted, await tableSums(to, table))) {
      ticker.tick(wanted.rows, table)
      continue
    }
    await copyTable(from, to, table, ticker, pageRows)
    const got = await tableSums(to, table)
    if (!same(wanted, got)) differences.push(differenceOf(table, wanted, got))
  }
  if (differences.length > 0) throw differ(differences)
  await continueIds(to)
  return copied
}

const differenceOf = (table: Table, wanted: TableSums, got: TableSums): string =>
  wanted.rows === got.rows && wanted.nano === got.nano
    ? `${table}: ${got.rows} rows, of which some have another content`
    : `${table}: ${wanted.rows} rows (${wanted.nano || 'no'} nano-USD) in the folder, ${got.rows} (${got.nano || 'no'}) there`

/** @param differences - one line each, for a person. */
export const differ = (differences: readonly string[]): BursarError =>
  new BursarError(
    'MOVE_DIFFERS',
    `what was copied is not what the folder has:\n  ${differences.join('\n  ')}\nThe slot there stays closed, and the folder still has everything: delete moved.json in it, and move it to an empty database and an unused BURSAR_PREFIX and BURSAR_QUEUE_PREFIX`,
    { detail: { differences } },
  )

async function copyTable(
  from: Ledger,
  to: Ledger,
  table: Table,
  ticker: Ticker,
  pageRows: number,
): Promise<void> {
  for (let last: string | null = null; ; ) {
    const rows = await readPage(from.db, table, last, pageRows)
    if (rows.length > 0) await writePage(to.db, table, rows)
    ticker.tick(rows.length, table)
    last = rows.at(-1) ?? null
    if (last === null || rows.length < pageRows) return
  }
}

const JsonRow = z.object({ json: z.string() })

/** Rows as JSON texts, which nobody parses on the way: no digit of a bigint is lost. */
async function readPage(db: LedgerDb, table: Table, last: string | null, limit: number) {
  const key = sql.raw(LAYOUT[table].key)
  const name = sql.identifier(table)
  const after: SQL =
    last === null
      ? sql`true`
      : sql`(${key}) > (select ${key} from json_populate_record(null::${name}, ${last}::text::json))`
  const rows = await rowsOf(
    db,
    JsonRow,
    sql`
      select row_to_json(t)::text as json from ${name} t
      where ${after} order by ${key} limit ${limit}`,
  )
  return rows.map(({ json }) => json)
}

const writePage = (db: LedgerDb, table: Table, rows: readonly string[]): Promise<void> =>
  run(
    db,
    sql`
      insert into ${sql.identifier(table)} overriding system value
      select * from json_populate_recordset(null::${sql.identifier(table)}, ${`[${rows.join(',')}]`}::text::json)
      on conflict do nothing`,
  )

/** Rows that were numbered by the database kept their numbers; the next one comes after them. */
async function continueIds({ db }: Ledger): Promise<void> {
  for (const table of ['threshold_events', 'audit', 'alert_history']) {
    await run(
      db,
      sql`
        select setval(pg_get_serial_sequence(${table}, 'id'), max(id))
        from ${sql.identifier(table)} having max(id) is not null`,
    )
  }
}
