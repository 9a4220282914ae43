import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../ledger/columns.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from '../ledger/ledger.ts'
import { nowMs as databaseNow } from '../ledger/processes.ts'
import { dueTick, isTooLate } from './ticks.ts'
import type { TickedJob } from './types.ts'

type Job = Omit<TickedJob<never>, 'run'>

/** A run that is this process's until its lease ends. */
export interface Claim {
  readonly job: string
  readonly tickMs: number
  readonly missed: number
  /** 1 = nobody has begun it before. */
  readonly attempt: number
}

/** Who claims, and for how long a run stays its own without a word, ms. */
export interface Claimer {
  readonly id: string
  readonly leaseMs: number
}

/** How often a run is begun when nobody says. */
export const USUAL_TRIES = 3

/**
 * Makes jobs known, so that their ticks count from now on. Those that are known keep their place.
 * @param atMs - the schedule's clock, UTC ms.
 * @throws {BursarError} LEDGER_UNAVAILABLE, here and below.
 */
export async function registerJobs(
  { db }: Pick<Ledger, 'db'>,
  jobs: readonly Job[],
  atMs: number,
): Promise<void> {
  for (const { name, about, schedule, timezone = 'UTC', missed, limitMs } of jobs) {
    await run(
      db,
      sql`
        insert into scheduled_jobs as job
          (name, about, schedule, timezone, missed, limit_ms, last_tick_ms, seen_at_ms)
        values (${name}, ${about}, ${schedule}, ${timezone}, ${missed}, ${limitMs}, ${atMs}, ${databaseNow})
        on conflict (name) do update set about = excluded.about, schedule = excluded.schedule,
          timezone = excluded.timezone, missed = excluded.missed, limit_ms = excluded.limit_ms,
          seen_at_ms = excluded.seen_at_ms`,
    )
  }
}

const Standing = z.object({
  name: z.string(),
  lastTickMs: SafeInteger,
  /** Whether something stands in line that is not a tick of the schedule: asked for, failed, or left by a process. */
  waiting: z.boolean(),
})
export type Standing = Readonly<z.infer<typeof Standing>>

/** How each job stands: one small question, asked again and again. */
export const standings = (
  { db }: Pick<Ledger, 'db'>,
  names: readonly string[],
): Promise<Standing[]> =>
  rowsOf(
    db,
    Standing,
    sql`
      select name, last_tick_ms as "lastTickMs", exists (
          select from job_runs where job = name and ${UNDER_WAY} and lease_until_ms <= ${databaseNow}
        ) as waiting
      from scheduled_jobs
      where name in (select json_array_elements_text(${JSON.stringify(names)}::text::json))`,
  )

const UNDER_WAY = sql.raw(`state in ('asked', 'running', 'retrying')`)

const Locked = z.object({ lastTickMs: SafeInteger })
const Live = z.object({
  tickMs: SafeInteger,
  state: z.enum(['asked', 'running', 'retrying']),
  attempt: z.int(),
  missed: z.int(),
  isOver: z.boolean(),
})
type Live = z.infer<typeof Live>

/**
 * Claims the next run of a job: one that its process left, that failed or that was asked for, else the next tick of the
 * schedule. Processes take turns by the lock of the job's row, so that each tick has one claimer and two runs of a job
 * never overlap.
 * @param nowMs - the schedule's clock, UTC ms; leases go by the database's.
 * @returns null when there is nothing to run, or another process is at it.
 */
export const claimRun = (
  ledger: Ledger,
  job: Job,
  claimer: Claimer,
  nowMs: number,
): Promise<Claim | null> =>
  ledger.transaction(async (tx) => {
    const [row] = await rowsOf(
      tx,
      Locked,
      sql`select last_tick_ms as "lastTickMs" from scheduled_jobs where name = ${job.name} for update`,
    )
    if (!row) return null
    const live = await liveRuns(tx, job.name)
    const begun = live.find(({ state }) => state !== 'asked')
    if (begun && !begun.isOver) return null
    if (begun && begun.attempt < (job.tries ?? USUAL_TRIES)) {
      return takeOver(tx, job.name, begun, claimer)
    }
    if (begun) await giveUp(tx, job.name, begun)
    const asked = live.find(({ state }) => state === 'asked')
    if (asked) return takeOver(tx, job.name, asked, claimer)
    return claimTick(tx, job, claimer, { lastMs: row.lastTickMs, nowMs })
  })

const liveRuns = (tx: LedgerDb, job: string): Promise<Live[]> =>
  rowsOf(
    tx,
    Live,
    sql`
      select tick_ms as "tickMs", state, attempt, missed, lease_until_ms <= ${databaseNow} as "isOver"
      from job_runs where job = ${job} and ${UNDER_WAY} order by tick_ms`,
  )

const mine = ({ id, leaseMs }: Claimer): SQL =>
  sql`claimed_by = ${id}, lease_until_ms = ${databaseNow} + ${leaseMs}::bigint`

async function takeOver(
  tx: LedgerDb,
  job: string,
  { tickMs, attempt, missed }: Live,
  claimer: Claimer,
): Promise<Claim> {
  await run(
    tx,
    sql`
      update job_runs set state = 'running', attempt = attempt + 1, ${mine(claimer)},
        started_at_ms = ${databaseNow}
      where job = ${job} and tick_ms = ${tickMs}::bigint`,
  )
  return { job, tickMs, missed, attempt: attempt + 1 }
}

/** Whoever began it died each time: it may be what kills them. */
const giveUp = (tx: LedgerDb, job: string, { tickMs, attempt }: Live): Promise<void> =>
  run(
    tx,
    sql`
      update job_runs set state = 'died', ended_at_ms = ${databaseNow},
        error = ${`begun ${attempt} times, and each time its process was gone before the end`}
      where job = ${job} and tick_ms = ${tickMs}::bigint`,
  )

async function claimTick(
  tx: LedgerDb,
  job: Job,
  claimer: Claimer,
  { lastMs, nowMs }: { readonly lastMs: number; readonly nowMs: number },
): Promise<Claim | null> {
  const due = dueTick(job, lastMs, nowMs)
  if (!due) return null
  const { tickMs, missed } = due
  await run(
    tx,
    sql`update scheduled_jobs set last_tick_ms = ${tickMs}::bigint where name = ${job.name}`,
  )
  if (isTooLate(job, tickMs, nowMs)) return null
  // A person may have asked for a run at this very instant: that one was this tick's.
  const inserted = await rowsOf(
    tx,
    Kept,
    sql`
      insert into job_runs
        (job, tick_ms, state, missed, attempt, claimed_by, lease_until_ms, started_at_ms)
      values (${job.name}, ${tickMs}::bigint, 'running', ${missed}, 1, ${claimer.id},
        ${databaseNow} + ${claimer.leaseMs}::bigint, ${databaseNow})
      on conflict (job, tick_ms) do nothing returning tick_ms as "tickMs"`,
  )
  return inserted.length === 0 ? null : { job: job.name, tickMs, missed, attempt: 1 }
}

const Kept = z.object({ tickMs: SafeInteger })

/** Keeps a run this process's own for another lease. @returns false when it is another's by now. */
export const renew = (
  { db }: Pick<Ledger, 'db'>,
  claim: Claim,
  claimer: Claimer,
): Promise<boolean> => change(db, claim, claimer, mine(claimer))

/** How a run ended, or that it is to begin again. */
export type Ending =
  | { readonly state: 'done'; readonly figures: Readonly<Record<string, unknown>> }
  | { readonly state: 'failed' | 'timed-out'; readonly error: string }
  | { readonly state: 'retrying'; readonly error: string; readonly inMs: number }

/** Writes down how a run ended. @returns false when it is another process's by now: then that one's word counts. */
export function endRun(
  { db }: Pick<Ledger, 'db'>,
  claim: Claim,
  claimer: Claimer,
  ending: Ending,
): Promise<boolean> {
  const { state } = ending
  const figures = ending.state === 'done' ? JSON.stringify(ending.figures) : null
  const error = ending.state === 'done' ? null : ending.error
  const untilMs = ending.state === 'retrying' ? ending.inMs : 0
  return change(
    db,
    claim,
    claimer,
    sql`
      state = ${state}, figures = ${figures}::text::jsonb, error = ${error},
      lease_until_ms = ${databaseNow} + ${untilMs}::bigint,
      ended_at_ms = ${state === 'retrying' ? sql`null` : databaseNow}`,
  )
}

async function change(
  db: LedgerDb,
  { job, tickMs, attempt }: Claim,
  { id }: Claimer,
  what: SQL,
): Promise<boolean> {
  const changed = await rowsOf(
    db,
    Kept,
    sql`
      update job_runs set ${what}
      where job = ${job} and tick_ms = ${tickMs}::bigint and state = 'running' and claimed_by = ${id}
        and attempt = ${attempt}
      returning tick_ms as "tickMs"`,
  )
  return changed.length > 0
}
