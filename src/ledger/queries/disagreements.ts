import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { isGone, POSTED } from './forward.ts'

/** Where the ledger does not agree with itself. Empty on a sound ledger, however busy: each look is one statement. */
const Difference = z.object({
  key: z.string(),
  /** Sum of the postings, nano-USD; null = there is none. */
  postedNano: SafeInteger.nullable(),
  /** What is kept beside them, nano-USD; null = nothing. */
  keptNano: SafeInteger.nullable(),
})
export type Difference = z.infer<typeof Difference>

/** The most differences that one look names. */
const MOST_NAMED = 1_000
const PAGE_POSTINGS = 5_000

const Border = z.object({ attempt: z.string() })

/**
 * Compares each entry with the sum of its postings, along the attempt ids. One page of postings is read at a time, by
 * the database alone: only what differs comes here.
 * @returns after each page, the entries in it that differ; empty = all agree.
 */
export async function* entryDifferences(
  ledger: Ledger,
  pagePostings = PAGE_POSTINGS,
): AsyncGenerator<readonly Difference[], void> {
  for (let after: string | null = ''; after !== null; ) {
    const upTo = await borderAfter(ledger, after, pagePostings)
    yield await entriesBetween(ledger, after, upTo)
    after = upTo
  }
}

/** @returns the attempt of the last posting of the page, null when the page is not full. */
async function borderAfter(ledger: Ledger, after: string, postings: number) {
  const [border] = await rowsOf(
    ledger.db,
    Border,
    sql`
      select attempt from postings where attempt > ${after}
      order by attempt offset ${postings - 1} limit 1`,
  )
  return border?.attempt ?? null
}

function entriesBetween(ledger: Ledger, after: string, upTo: string | null) {
  const between = sql`attempt > ${after} and (${upTo}::text is null or attempt <= ${upTo}::text)`
  return rowsOf(
    ledger.db,
    Difference,
    sql`
      select attempt as key, posted.nano as "postedNano", entry.cost_nano as "keptNano"
      from (
        select attempt, sum(delta_nano)::bigint as nano from postings where ${between} group by attempt
      ) posted
      full join (select attempt, cost_nano from entries where ${between}) entry using (attempt)
      where posted.nano is distinct from entry.cost_nano
      order by attempt limit ${MOST_NAMED}`,
  )
}

/**
 * Compares the total of each budget window with all postings in it, those brought forward too. Reads the whole table of
 * postings.
 */
export const windowDifferences = (ledger: Ledger): Promise<Difference[]> =>
  rowsOf(
    ledger.db,
    Difference,
    sql`
      select key, posted.nano as "postedNano", total.spent_nano as "keptNano"
      from (
        select key, sum(nano)::bigint as nano, sum(rows)::bigint as rows
        from ${POSTED} part group by key
      ) posted
      full join (
        select budget || ':' || window_id as key, spent_nano, rows from window_totals
        where not ${isGone('window_id')}
      ) total using (key)
      where (posted.nano, posted.rows) is distinct from (total.spent_nano, total.rows)
      order by key limit ${MOST_NAMED}`,
  )

const ConflictRow = z.object({ attempt: z.string(), epoch: z.number(), rev: z.number() })

/** Postings that came again under their key with other content. */
export const postingConflicts = (ledger: Ledger) =>
  rowsOf(
    ledger.db,
    ConflictRow,
    sql`select attempt, epoch, rev from ledger_conflicts order by attempt, epoch, rev limit ${MOST_NAMED}`,
  )

/**
 * Compares what each answer that was used again is said to have saved with what the attempt that paid for it cost at
 * list price. Rows without one name (of copies while Redis was away, of texts that several attempts paid) say nothing.
 */
export const savedDifferences = (ledger: Ledger): Promise<Difference[]> =>
  rowsOf(
    ledger.db,
    Difference,
    sql`
      select request.job as key, entry.list_nano as "postedNano", request.saved_nano as "keptNano"
      from requests request left join entries entry on entry.attempt = request.reason
      where request.outcome in ('cached', 'joined') and request.saved_nano is not null
        and request.reason <> '' and entry.list_nano is distinct from request.saved_nano
      order by key limit ${MOST_NAMED}`,
  )

const Sizes = z.object({ postings: SafeInteger, entries: SafeInteger, windows: SafeInteger })

/** Rows in the ledger. */
export async function ledgerSizes(ledger: Ledger): Promise<z.infer<typeof Sizes>> {
  const [sizes] = await rowsOf(
    ledger.db,
    Sizes,
    sql`
      select (select count(*) from postings) as postings, (select count(*) from entries) as entries,
        (select count(*) from window_totals) as windows`,
  )
  return sizes ?? { postings: 0, entries: 0, windows: 0 }
}
