import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { BursarError } from '../errors.ts'
import { SafeInteger } from './columns.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'
import { listPartitions, type Month, monthOf, partitionName, TABLE_NAMES } from './partitions.ts'
import { isGone, outlives } from './queries/forward.ts'
import { lockSlotRow } from './slot-row.ts'

/** Money of the last two months is still moving: late bills, windows of weeks, requests that come again. */
export const LEAST_MONTHS_KEPT = 2

/** The months that are older than the newest `months`, the running one included. */
export async function monthsToDrop(
  ledger: Ledger,
  nowMs: number,
  months: number,
): Promise<readonly Month[]> {
  if (months < LEAST_MONTHS_KEPT) {
    const message = `a ledger keeps ${LEAST_MONTHS_KEPT} months at least: set ledger.retention to 2mo or more`
    throw new BursarError('INVALID_ARGUMENT', message)
  }
  const oldestMs = monthOf(nowMs, 1 - months).fromMs
  return (await listPartitions(ledger)).filter(({ toMs }) => toMs <= oldestMs)
}

/**
 * Drops every month before the newest `months`: postings, entries and requests. What they add up to stays, in the cubes, in
 * the totals of windows, and brought forward, so that law 5 holds without them. Safe to run again; a run that was cut
 * off is finished by the next.
 * @returns what was dropped, oldest first.
 * @throws {BursarError} INVALID_ARGUMENT for fewer than `LEAST_MONTHS_KEPT`, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export async function dropOldMonths(
  ledger: Ledger,
  nowMs: number,
  months: number,
): Promise<readonly Month[]> {
  const old = await monthsToDrop(ledger, nowMs, months)
  for (const month of old) await dropMonth(ledger, month, nowMs)
  return old
}

/** What a drop is made of: only `drop` lets others wait. */
export type DropStep = 'forward' | 'drop' | 'forget'

/**
 * Adds up what a month has in each window, at leisure and beside everything else, and then drops it in one short step. A
 * posting that came to the month in between would be missing in that sum: then it is made again.
 * @param onStep - told how long each step took, ms.
 */
export async function dropMonth(
  ledger: Ledger,
  month: Month,
  nowMs: number,
  onStep: (step: DropStep, tookMs: number) => void = () => {},
): Promise<void> {
  const timed = async <T>(step: DropStep, work: () => Promise<T>): Promise<T> => {
    const startMs = performance.now()
    const result = await work()
    onStep(step, performance.now() - startMs)
    return result
  }
  const label = await labelOf(ledger, month)
  for (let isDropped = false; !isDropped; ) {
    const postings = await timed('forward', () => bringForward(ledger, month, label))
    isDropped = await timed('drop', () => dropIfStill(ledger, month, { postings, label, nowMs }))
  }
  await timed('forget', () => forgetTotals(ledger))
}

const Before = z.object({ times: SafeInteger })

/** What came to a month after it was dropped is another drop of it: the sums of the first one stay. */
async function labelOf({ db }: Ledger, { name }: Month): Promise<string> {
  const [before] = await rowsOf(
    db,
    Before,
    sql`select count(*) as times from dropped_months where left(month, 7) = ${name}`,
  )
  return before?.times ? `${name}.${before.times}` : name
}

const Count = z.object({ postings: SafeInteger })

async function postingsIn(db: LedgerDb, month: Month): Promise<number> {
  const name = sql.identifier(partitionName('postings', month))
  const [count] = await rowsOf(db, Count, sql`select count(*) as postings from ${name}`)
  return count?.postings ?? 0
}

/** @returns how many postings are in the sums. They do not count before the month is dropped. */
const bringForward = (ledger: Ledger, month: Month, label: string): Promise<number> =>
  ledger.transaction(async (tx) => {
    await run(tx, sql`set transaction isolation level repeatable read`)
    await run(tx, sql`delete from window_forward where month = ${label}`)
    const postings = sql.identifier(partitionName('postings', month))
    // The budget is what stands before the last colon, as in splitWindowKey.
    await run(
      tx,
      sql`
        insert into window_forward (month, budget, window_id, spent_nano, rows)
        select ${label}::text, budget, window_id, nano, rows
        from (
          select left(key, -strpos(reverse(key), ':')) as budget,
            right(key, strpos(reverse(key), ':') - 1) as window_id,
            sum(delta_nano)::bigint as nano, count(*) as rows
          from ${postings}, unnest(windows) as key group by key
        ) posted
        where ${outlives('window_id')}`,
    )
    return await postingsIn(tx, month)
  })

/** @returns false when the month has other postings than were added up: nothing was dropped. */
const dropIfStill = (
  ledger: Ledger,
  month: Month,
  { postings, label, nowMs }: { postings: number; label: string; nowMs: number },
): Promise<boolean> =>
  ledger.transaction(async (tx) => {
    // Whoever writes postings waits here.
    await lockSlotRow(tx)
    if ((await postingsIn(tx, month)) !== postings) return false
    for (const table of TABLE_NAMES) {
      const name = partitionName(table, month)
      await run(tx, sql.raw(`alter table ${table} detach partition ${name}`))
      await run(tx, sql.raw(`drop table ${name}`))
    }
    await run(
      tx,
      sql`insert into dropped_months (month, dropped_at_ms) values (${label}, ${nowMs})`,
    )
    return true
  })

/** Totals of windows whose postings are all gone. */
const forgetTotals = ({ db }: Ledger): Promise<void> =>
  run(db, sql`delete from window_totals where ${isGone('window_id')}`)
