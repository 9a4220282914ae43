import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from './columns.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'

/** The database's own clock, UTC ms: beats of all machines are compared by it. */
export const nowMs = sql.raw('(extract(epoch from clock_timestamp()) * 1000)::bigint')

/** A process that is silent for longer is taken for dead. */
export const SILENT_AFTER_MS = 30_000

/**
 * Says that a process lives.
 * @param reportedEpoch - the newest life for which it has said what it owes.
 * @throws {BursarError} LEDGER_UNAVAILABLE, here and below.
 */
export const beat = (
  { db }: Ledger,
  { id, role, reportedEpoch }: { id: string; role: string; reportedEpoch: number },
): Promise<void> =>
  run(
    db,
    sql`
      insert into processes (id, role, started_at_ms, beat_at_ms, reported_epoch)
      values (${id}, ${role}, ${nowMs}, ${nowMs}, ${reportedEpoch})
      on conflict (id) do update set beat_at_ms = excluded.beat_at_ms,
        reported_epoch = greatest(processes.reported_epoch, excluded.reported_epoch)`,
  )

/** Marks that a process has said all it owes for a life. A life waits for the word of each that beats. */
export const markReported = (db: LedgerDb, id: string, epoch: number): Promise<void> =>
  run(
    db,
    sql`
      update processes set reported_epoch = greatest(reported_epoch, ${epoch}), beat_at_ms = ${nowMs}
      where id = ${id}`,
  )

/** A process that owes nothing and ends; those that died long ago leave with it. */
export const leave = ({ db }: Ledger, id: string): Promise<void> =>
  run(db, sql`delete from processes where id = ${id} or beat_at_ms < ${nowMs} - 86400000`)

const Awaited = z.object({ id: z.string(), role: z.string(), silentMs: SafeInteger })
/** A process that has not said what it owes. */
export type AwaitedProcess = Readonly<z.infer<typeof Awaited>>

/** Processes without a report for a life that were alive when it began, those that died since included. */
export const unreported = (
  { db }: Ledger,
  epoch: number,
  silentAfterMs: number = SILENT_AFTER_MS,
): Promise<AwaitedProcess[]> =>
  rowsOf(
    db,
    Awaited,
    sql`
      select id, role, ${nowMs} - beat_at_ms as "silentMs" from processes
      where reported_epoch < ${epoch} and beat_at_ms > (select began_at_ms from slot) - ${silentAfterMs}::bigint
      order by id`,
  )

const Forgotten = z.object({ id: z.string() })

/**
 * Forgets processes that were killed and said nothing for so long.
 * @returns how many.
 */
export async function forgetProcesses({ db }: Ledger, silentMs: number): Promise<number> {
  const forgotten = sql`
    delete from processes where beat_at_ms < ${nowMs} - ${silentMs}::bigint returning id`
  return (await rowsOf(db, Forgotten, forgotten)).length
}
