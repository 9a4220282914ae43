import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { compareOutboxIds, OUTCOMES, type PostingEntry } from '../../admission/outbox.ts'
import { SafeInteger } from '../columns.ts'
import { type LedgerDb, rowsOf } from '../ledger.ts'
import { type Row, rowsJson, saidAdmittedAtMs, storableText } from '../rows.ts'

/**
 * What the ledger knows already of what a batch brings. Its tables are cut by month, so that no index says alone that an
 * attempt or a job is there once: whoever writes holds the slot row, looks here first, and writes under the instant that
 * the first one was written under. (docs/decisions/0019)
 */

const DAY_MS = 86_400_000

/**
 * How far apart two deliveries of one attempt or job may say that they were: the slot refuses what is older than
 * 72 hours, and a request may be handed in again after the month that refused it. Looking further would be a look into
 * every month for each batch.
 */
const SAME_WITHIN_MS = 40 * DAY_MS

/** The one instant of admission of each attempt of a batch. */
export interface Admissions {
  /** UTC ms. */
  readonly atMs: (attempt: string) => number
  /** True for a row of an attempt that has postings in the ledger. */
  readonly isKnown: (row: Row) => boolean
}

const AttemptRow = z.object({ attempt: z.string(), atMs: SafeInteger })

/** Looks the attempts of these postings up: the first instant that was written, or said, is the one. */
export async function admissionsOf(
  tx: LedgerDb,
  postings: readonly PostingEntry[],
): Promise<Admissions> {
  const said = postings.map(saidAdmittedAtMs)
  const known = await knownAttempts(tx, postings, said)
  const instants = new Map(known)
  for (const posting of postings) {
    const attempt = storableText(posting.attempt)
    if (!instants.has(attempt)) instants.set(attempt, saidAdmittedAtMs(posting))
  }
  return {
    atMs: (attempt) => instants.get(storableText(attempt)) ?? 0,
    isKnown: ({ attempt }) => known.has(storableText(String(attempt))),
  }
}

async function knownAttempts(
  tx: LedgerDb,
  postings: readonly PostingEntry[],
  saidMs: readonly number[],
): Promise<ReadonlyMap<string, number>> {
  if (postings.length === 0) return new Map()
  const named = rowsJson(postings.map(({ attempt }) => ({ attempt })))
  const rows = await rowsOf(
    tx,
    AttemptRow,
    sql`
      select attempt, min(admitted_at_ms) as "atMs" from postings
      where attempt = any(array(select one->>'attempt' from json_array_elements(${named}::text::json) one))
        and admitted_at_ms between ${least(saidMs)}::bigint and ${most(saidMs)}::bigint
      group by attempt`,
  )
  return new Map(rows.map(({ attempt, atMs }) => [attempt, atMs]))
}

const least = (instants: readonly number[]): number => Math.min(...instants) - SAME_WITHIN_MS
const most = (instants: readonly number[]): number => Math.max(...instants) + SAME_WITHIN_MS

const EndRow = z.object({
  job: z.string(),
  outcome: z.enum(OUTCOMES),
  epoch: z.int(),
  seq: z.string(),
  endedAtMs: SafeInteger,
})
type EndRow = z.infer<typeof EndRow>

/**
 * Which of these ends are to be written. The first end of a request wins, later ones change nothing. A refusal alone is no
 * last word: the same job may be handed in again, and what becomes of it then replaces the refusal.
 * @param rows - each job at most once (`endRows`).
 * @returns `replaced`: what the ledger has of them and gives way, by `job` and `ended_at_ms`.
 */
export async function newEnds(
  tx: LedgerDb,
  rows: readonly Row[],
): Promise<{ fresh: readonly Row[]; replaced: readonly Row[] }> {
  const known = await knownEnds(tx, rows)
  if (known.size === 0) return { fresh: rows, replaced: [] }
  const fresh: Row[] = []
  const replaced: Row[] = []
  for (const row of rows) {
    const end = known.get(storableText(String(row.job)))
    if (end && !givesWay(end, row)) continue
    fresh.push(row)
    if (end) replaced.push({ job: end.job, ended_at_ms: end.endedAtMs })
  }
  return { fresh, replaced }
}

// One look for each job: for all at once, a planner that knows nothing of the table yet reads two months by their end.
async function knownEnds(tx: LedgerDb, rows: readonly Row[]): Promise<Map<string, EndRow>> {
  if (rows.length === 0) return new Map()
  const endedMs = rows.map((row) => Number(row.ended_at_ms))
  const named = rowsJson(rows.map(({ job }) => ({ job })))
  const ends = await rowsOf(
    tx,
    EndRow,
    sql`
      select known.* from json_array_elements(${named}::text::json) one
      cross join lateral (
        select job, outcome, epoch, seq, ended_at_ms as "endedAtMs" from requests
        where job = one->>'job'
          and ended_at_ms between ${least(endedMs)}::bigint and ${most(endedMs)}::bigint
        order by ended_at_ms desc limit 1
      ) known`,
  )
  return new Map(ends.map((end) => [end.job, end]))
}

/** By their places in the outbox: `<ms>-<seq>`, as text, orders 9 after 10. */
const givesWay = (end: EndRow, { epoch, seq }: Row): boolean =>
  end.outcome === 'refused' &&
  (Number(epoch) - end.epoch || compareOutboxIds(String(seq), end.seq)) > 0
