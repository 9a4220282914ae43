import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../ledger/columns.ts'
import { type Ledger, rowsOf } from '../ledger/ledger.ts'
import { nowMs as databaseNow } from '../ledger/processes.ts'
import { MISSED, RUN_STATES } from '../ledger/tables/schedule.ts'

const RunRow = z.object({
  job: z.string(),
  tickMs: SafeInteger,
  state: z.enum(RUN_STATES),
  askedBy: z.string().nullable(),
  missed: z.int(),
  attempt: z.int(),
  claimedBy: z.string().nullable(),
  startedAtMs: SafeInteger.nullable(),
  endedAtMs: SafeInteger.nullable(),
  figures: z.record(z.string(), z.json()).nullable(),
  error: z.string().nullable(),
})
/** A run as the history has it. */
export type JobRun = Readonly<z.infer<typeof RunRow>>

const RUN = sql.raw(
  `job, tick_ms as "tickMs", state, asked_by as "askedBy", missed, attempt, claimed_by as "claimedBy",
   started_at_ms as "startedAtMs", ended_at_ms as "endedAtMs", figures, error`,
)

export interface RunFilter {
  /** Absent = of every job. */
  readonly job?: string
  /** Only what did not end well. */
  readonly failed?: boolean
  readonly limit: number
}

/** Runs, the newest tick first. @throws {BursarError} LEDGER_UNAVAILABLE, here and below. */
export const listRuns = (
  { db }: Pick<Ledger, 'db'>,
  { job, failed = false, limit }: RunFilter,
): Promise<JobRun[]> =>
  rowsOf(
    db,
    RunRow,
    sql`
      select ${RUN} from job_runs
      where (${job ?? null}::text is null or job = ${job ?? null})
        and (not ${failed} or state in ('failed', 'timed-out', 'died', 'retrying'))
      order by tick_ms desc, job limit ${limit}`,
  )

const JobRow = z.object({
  name: z.string(),
  about: z.string(),
  schedule: z.string(),
  timezone: z.string(),
  missed: z.enum(MISSED),
  limitMs: SafeInteger,
  lastTickMs: SafeInteger,
  seenAtMs: SafeInteger,
  last: RunRow.nullable(),
})
/** A job, and its newest run. */
export type KnownJob = Readonly<z.infer<typeof JobRow>>

/** Every job that a process ever had, by name. */
export const listJobs = ({ db }: Pick<Ledger, 'db'>): Promise<KnownJob[]> =>
  rowsOf(
    db,
    JobRow,
    sql`
      select name, about, schedule, timezone, missed, limit_ms as "limitMs",
        last_tick_ms as "lastTickMs", seen_at_ms as "seenAtMs", (
          select to_jsonb(newest) from (
            select ${RUN} from job_runs where job = name order by tick_ms desc limit 1
          ) newest
        ) as last
      from scheduled_jobs order by name`,
  )

/**
 * Asks for a run as soon as a process that has the job sees it.
 * @param atMs - UTC ms; it names the run.
 * @returns false when a run of that very instant is there already.
 */
export async function askForRun(
  { db }: Pick<Ledger, 'db'>,
  job: string,
  by: string,
  atMs: number,
): Promise<boolean> {
  const asked = await rowsOf(
    db,
    z.object({ job: z.string() }),
    sql`
      insert into job_runs (job, tick_ms, state, asked_by, lease_until_ms)
      values (${job}, ${atMs}::bigint, 'asked', ${by}, ${databaseNow})
      on conflict (job, tick_ms) do nothing returning job`,
  )
  return asked.length > 0
}

const Dropped = z.object({ runs: SafeInteger })

/**
 * Forgets runs that ended long ago; the newest of each job stays.
 * @returns how many.
 */
export async function forgetRuns(
  { db }: Pick<Ledger, 'db'>,
  endedBeforeMs: number,
): Promise<number> {
  const [row] = await rowsOf(
    db,
    Dropped,
    sql`
      with dropped as (
        delete from job_runs old
        where ended_at_ms < ${endedBeforeMs}::bigint
          and tick_ms < (select max(tick_ms) from job_runs newest where newest.job = old.job)
        returning 1
      ) select count(*) as runs from dropped`,
  )
  return row?.runs ?? 0
}
