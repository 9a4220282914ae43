import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { messageOf } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Clock } from '../queue/clock.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type Claimer, claimRun, registerJobs, type Standing, standings } from './claims.ts'
import { type RunEnd, runClaim } from './run-claim.ts'
import { tickAfter } from './ticks.ts'
import type { TickedJob } from './types.ts'

/** What the jobs of a process are run with. */
export interface SchedulerParts<Parts> {
  readonly parts: Parts
  readonly ledger: Ledger
  readonly clock: Clock
  readonly logger: Logger
  /** How long a run stays a silent process's own, ms; absent = a minute. */
  readonly leaseMs?: number
  /** Longest time between two looks, ms; absent = 5 s. What was asked for or left waits for one. */
  readonly lookMs?: number
  /** How long a run that failed waits before it begins again, ms; absent = 30 s. */
  readonly retryMs?: number
}

export interface Scheduler {
  /** Starts nothing more, tells what runs to stop and waits for it. Safe to call twice. */
  close(): Promise<void>
}

const LEASE_MS = 60_000
const LOOK_MS = 5_000
/** A timer that is a little early must not find the tick still to come. */
const AFTER_MS = 5

/**
 * Runs each tick of each job once among all processes that do this over one ledger. While the ledger is away nothing
 * runs; when it is back, what was missed does, as each job has it.
 */
export function startScheduler<Parts>(
  jobs: readonly TickedJob<Parts>[],
  given: SchedulerParts<Parts>,
): Scheduler {
  const { ledger, clock, logger, leaseMs = LEASE_MS, lookMs = LOOK_MS } = given
  const claimer: Claimer = { id: `${hostname()}:${process.pid}:${randomUUID()}`, leaseMs }
  const closing = new AbortController()
  const running = new Map<string, Promise<void>>()
  let registered = false
  let looking: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    let waitMs = lookMs
    try {
      if (!registered) await registerJobs(ledger, jobs, clock.now())
      registered = true
      const free = jobs.filter(({ name }) => !running.has(name))
      const stand = new Map((await standings(ledger, namesOf(free))).map((one) => [one.name, one]))
      for (const job of free) await begin(job, stand.get(job.name))
      waitMs = Math.min(lookMs, untilNext(free, stand, clock.now()))
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, 'scheduled jobs wait for the ledger')
    }
    if (!closing.signal.aborted) timer = setTimeout(again, waitMs)
  }

  async function begin(job: TickedJob<Parts>, standing: Standing | undefined): Promise<void> {
    const nowMs = clock.now()
    if (closing.signal.aborted || !standing) return
    if (!standing.waiting && tickAfter(job, standing.lastTickMs) > nowMs) return
    const claim = await claimRun(ledger, job, claimer, nowMs)
    if (!claim) return
    const run = runClaim(job, claim, { ...given, claimer, closing: closing.signal })
      .then((end) => tell(logger, job.name, claim, end))
      .catch((error: unknown) =>
        logger.error(
          { job: job.name, reason: messageOf(error) },
          'a run could not be written down',
        ),
      )
      .finally(() => {
        running.delete(job.name)
        // The next tick may be due already.
        if (!closing.signal.aborted) hurry()
      })
    running.set(job.name, run)
  }

  function again(): void {
    timer = undefined
    looking = look()
  }
  function hurry(): void {
    if (!timer) return
    clearTimeout(timer)
    again()
  }
  if (jobs.length > 0) again()

  return {
    async close() {
      closing.abort()
      clearTimeout(timer)
      await looking
      clearTimeout(timer)
      await Promise.all(running.values())
    },
  }
}

const namesOf = (jobs: readonly { readonly name: string }[]) => jobs.map(({ name }) => name)

function untilNext(
  jobs: readonly TickedJob<never>[],
  stand: ReadonlyMap<string, Standing>,
  nowMs: number,
): number {
  const next = jobs.map((job) => tickAfter(job, stand.get(job.name)?.lastTickMs ?? nowMs))
  return Math.max(Math.min(...next) - nowMs, 0) + AFTER_MS
}

function tell(
  logger: Logger,
  job: string,
  { tickMs, missed, attempt }: { tickMs: number; missed: number; attempt: number },
  end: RunEnd,
): void {
  const run = { job, tick: new Date(tickMs).toISOString(), ...(missed && { missed }), attempt }
  if (end.state === 'done') {
    if (Object.keys(end.figures).length > 0) logger.info({ ...run, ...end.figures })
  } else if (end.state === 'lost') logger.warn(run, 'the run is another process’s by now')
  else logger.error({ ...run, reason: end.error }, `a scheduled job is ${end.state}`)
}
