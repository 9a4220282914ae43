import { type SQL, sql } from 'drizzle-orm'
import type { LedgerDb } from '../ledger.ts'
import { ENTRY_ASSIGNMENTS } from '../queries/entry-assignments.ts'
import { type Row, rowsJson } from '../rows.ts'
import { accumulate } from './accumulate.ts'
import { ENTRY_FACT_COLUMNS, entryFacts, REQUEST_FACT_COLUMNS, requestFacts } from './facts.ts'

/** Rows of one batch, each attempt and each job at most once. */
export interface UsageBatch {
  readonly entries: readonly Row[]
  /** Those of `entries` whose attempt the ledger has already, by `attempt` and `admitted_at_ms`. */
  readonly known: readonly Row[]
  /** Ends of requests that the ledger does not have. */
  readonly requests: readonly Row[]
}

const populated = (table: 'entries' | 'requests', rows: readonly Row[]): SQL =>
  sql`json_populate_recordset(null::${sql.identifier(table)}, ${rowsJson(rows)}::text::json)`

/** What the known entries say before the batch changes them: all parts of a statement see the table as it was. */
const knownEntries = (known: readonly Row[]): SQL => sql`
  entry_before as (
    select ${sql.raw(ENTRY_FACT_COLUMNS.map((column) => `entry.${column}`).join(', '))}
    from entries entry join ${populated('entries', known)} known
      on entry.attempt = known.attempt and entry.admitted_at_ms = known.admitted_at_ms)`

const writtenEntries = (rows: readonly Row[]): SQL => sql`
  entry_after as (
    insert into entries as entry select * from ${populated('entries', rows)}
    on conflict (attempt, admitted_at_ms) do update set ${ENTRY_ASSIGNMENTS}
    returning ${sql.raw(ENTRY_FACT_COLUMNS.map((column) => `entry.${column}`).join(', '))})`

const writtenRequests = (rows: readonly Row[]): SQL => sql`
  request_after as (
    insert into requests select * from ${populated('requests', rows)}
    returning ${sql.raw(REQUEST_FACT_COLUMNS.join(', '))})`

/**
 * Writes entries and ends of requests, and adds the difference that they make to the cubes, in one statement. In a
 * transaction that holds the slot row.
 */
export async function writeUsage(
  tx: LedgerDb,
  { entries, known, requests }: UsageBatch,
): Promise<void> {
  const steps: SQL[] = []
  const facts: string[] = []
  if (entries.length > 0) {
    steps.push(writtenEntries(entries))
    facts.push(entryFacts('entry_after'))
  }
  if (known.length > 0) {
    steps.push(knownEntries(known))
    facts.push(entryFacts('entry_before', 'less'))
  }
  if (requests.length > 0) {
    steps.push(writtenRequests(requests))
    facts.push(requestFacts('request_after'))
  }
  if (facts.length > 0) await accumulate(tx, steps, facts.join(' union all '))
}

/** Takes back ends that gave way to later ones, by `job` and `ended_at_ms`, from the requests and from the cubes. */
export async function removeRequests(tx: LedgerDb, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return
  const removed = sql`
    request_before as (
      delete from requests request using ${populated('requests', rows)} gone
      where request.job = gone.job and request.ended_at_ms = gone.ended_at_ms
      returning ${sql.raw(REQUEST_FACT_COLUMNS.map((column) => `request.${column}`).join(', '))})`
  await accumulate(tx, [removed], requestFacts('request_before', 'less'))
}
