import { sql } from 'drizzle-orm'
import { describe, expect } from 'vitest'
import { jobsHistory } from '../../src/admin/jobs.ts'
import { type Ledger, run } from '../../src/ledger/ledger.ts'
import { type Claimer, claimRun, registerJobs } from '../../src/schedule/claims.ts'
import { askForRun, forgetRuns, type JobRun, listRuns } from '../../src/schedule/history.ts'
import { type SchedulerParts, startScheduler } from '../../src/schedule/scheduler.ts'
import type { Tick, TickedJob } from '../../src/schedule/types.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { ledgerTest } from '../helpers/ledgers.ts'
import { bursar } from './cli-harness.ts'

const START_MS = Date.UTC(2026, 10, 21)
const logger = createLogger({ level: 'silent', name: 'schedule' })
/** A clock that stands ten seconds after the jobs were seen first. */
const clock = { now: () => START_MS + 10_000, follow: () => {}, virtual: true }

type Work = (tick: Tick) => Promise<Readonly<Record<string, unknown>> | undefined>

const jobOf = (work: Work, more: Partial<TickedJob<null>> = {}): TickedJob<null> => ({
  ...{ name: 'work', about: 'does what the test says', schedule: '0 0 * * * *', limitMs: 5_000 },
  missed: 'latest',
  run: (_parts, tick) => work(tick),
  ...more,
})
const everySecond = { schedule: '* * * * * *' }

const start = (ledger: Ledger, job: TickedJob<null>, more: Partial<SchedulerParts<null>> = {}) =>
  startScheduler([job], { parts: null, ledger, clock, logger, lookMs: 20, ...more })

/** Registers a job whose ticks begin at the start, so that those of ten seconds are due. */
const known = (ledger: Ledger, job: TickedJob<null>) => registerJobs(ledger, [job], START_MS)

const newest = async (ledger: Ledger): Promise<JobRun | undefined> =>
  (await listRuns(ledger, { limit: 1 }))[0]

describe('scheduled runs', () => {
  ledgerTest(
    'ticks that nobody ran become one late run, and the count of the others',
    async ({ ledger }) => {
      const ticks: Tick[] = []
      const job = jobOf(async (tick) => void ticks.push(tick), everySecond)
      await known(ledger, job)
      const schedulers = [1, 2, 3].map(() => start(ledger, job))
      await until(() => ticks.length > 0)
      await Promise.all(schedulers.map((one) => one.close()))
      expect(ticks.map(({ atMs, missed }) => [atMs - START_MS, missed])).toEqual([[10_000, 9]])
      expect(await newest(ledger)).toMatchObject({ state: 'done', missed: 9, attempt: 1 })
    },
  )

  ledgerTest(
    'a run that fails begins again, and its last failure is in the history',
    async ({ ledger }) => {
      let begun = 0
      const fails = async () => {
        begun += 1
        throw new Error(`failure ${begun}`)
      }
      const job = jobOf(fails, { ...everySecond, tries: 2 })
      await known(ledger, job)
      const scheduler = start(ledger, job, { retryMs: 1 })
      await until(() => begun === 2)
      await scheduler.close()
      expect(await newest(ledger)).toMatchObject({
        state: 'failed',
        attempt: 2,
        error: 'failure 2',
      })
    },
  )

  ledgerTest(
    'a run is told to stop at its time limit, and that is recorded',
    async ({ ledger }) => {
      let stopped = false
      const waits = (tick: Tick) =>
        new Promise<undefined>((_resolve, reject) => {
          tick.signal.addEventListener('abort', () => {
            stopped = true
            reject(new Error('stopped'))
          })
        })
      const job = jobOf(waits, { ...everySecond, limitMs: 40 })
      await known(ledger, job)
      const scheduler = start(ledger, job)
      await until(() => stopped)
      await scheduler.close()
      expect(await newest(ledger)).toMatchObject({
        state: 'timed-out',
        error: 'not done after 40 ms',
      })
    },
  )

  ledgerTest(
    'a process that ends gives its run to the next one, which runs the same tick',
    async ({ ledger }) => {
      const seen: number[] = []
      const waits = (tick: Tick) =>
        new Promise<undefined>((_resolve, reject) => {
          seen.push(tick.atMs)
          tick.signal.addEventListener('abort', () => reject(new Error('the process ends')))
        })
      const job = jobOf(waits, everySecond)
      await known(ledger, job)
      const first = start(ledger, job)
      await until(() => seen.length === 1)
      await first.close()
      const ends = jobOf(async (tick) => void seen.push(tick.atMs), everySecond)
      const second = start(ledger, ends)
      await until(() => seen.length === 2)
      await second.close()
      expect(seen[1]).toBe(seen[0])
      expect(await newest(ledger)).toMatchObject({ state: 'done', attempt: 2 })
    },
  )

  ledgerTest(
    'a run that another process took over is told to stop, and its end changes nothing',
    async ({ ledger }) => {
      let lost = false
      const waits = (tick: Tick) =>
        new Promise<undefined>((resolve) => {
          tick.signal.addEventListener('abort', () => {
            lost = true
            resolve(undefined)
          })
          void run(
            ledger.db,
            sql`update job_runs set claimed_by = 'another', attempt = attempt + 1, lease_until_ms = 9e15`,
          )
        })
      const job = jobOf(waits, everySecond)
      await known(ledger, job)
      const scheduler = start(ledger, job, { leaseMs: 60 })
      await until(() => lost)
      await scheduler.close()
      expect(await newest(ledger)).toMatchObject({ state: 'running', claimedBy: 'another' })
    },
  )

  ledgerTest(
    'what kills its process each time is given up, and the next tick comes',
    async ({ ledger }) => {
      const job = jobOf(async () => undefined, { ...everySecond, tries: 2, missed: 'each' })
      await known(ledger, job)
      const dies: Claimer = { id: 'dies', leaseMs: 0 }
      const at = (tick: number) => ({ tickMs: START_MS + tick * 1_000 })
      const claims = []
      for (let i = 0; i < 3; i++) claims.push(await claimRun(ledger, job, dies, clock.now()))
      expect(claims).toMatchObject([
        { ...at(1), attempt: 1 },
        { ...at(1), attempt: 2 },
        { ...at(2), attempt: 1 },
      ])
      const [, first] = await listRuns(ledger, { limit: 2 })
      expect(first).toMatchObject({ ...at(1), state: 'died', attempt: 2 })
    },
  )

  ledgerTest('of twenty claimers at one instant one has the tick', async ({ ledger }) => {
    const job = jobOf(async () => undefined, everySecond)
    await known(ledger, job)
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        claimRun(ledger, job, { id: `c${at}`, leaseMs: 60_000 }, clock.now()),
      ),
    )
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1)
  })

  ledgerTest(
    'bursar jobs lists, asks for a run and tells its end; old runs are forgotten',
    async ({ ledger, databaseUrl }) => {
      const env = { DATABASE_URL: databaseUrl, REDIS_URL: 'redis://127.0.0.1:1' }
      const nobody = await bursar(['jobs', 'run', 'work'], env)
      expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('npx bursar start')])
      const job = jobOf(async () => ({ sealed: 3 }))
      const scheduler = start(ledger, job)
      const asked = await until(async () => {
        const ran = await bursar(['jobs', 'run', 'work', '--json'], env)
        return ran.code === 0 ? ran : null
      })
      expect(JSON.parse(asked.stdout)).toMatchObject({
        ...{ job: 'work', state: 'done', askedBy: 'operator', figures: { sealed: 3 } },
      })
      const listed = await bursar(['jobs', 'list'], env)
      expect(listed.stdout).toMatch(/work +0 0 \* \* \* \* +UTC .* done /)
      const history = await bursar(['jobs', 'history', 'work'], env)
      expect(history.stdout).toMatch(/work .* done .* operator +sealed 3/)
      const wrong = await bursar(['jobs', 'run', 'nothing'], env)
      expect(wrong.stderr).toContain('there is no job nothing; there are work')
      const closes = await bursar(['close', 'list', '--json'], env)
      expect(JSON.parse(closes.stdout)).toEqual({ closes: [] })
      const shown = await bursar(['close', 'show', '2026-10', '--timezone', 'Europe/Berlin'], env)
      expect(shown.stdout).toContain('it is not sealed')
      expect((await bursar(['close'], env)).stderr).toContain('bursar close --from')
      expect((await bursar(['prices', 'list'], env)).stdout).toContain('none was imported')
      expect((await bursar(['prices', 'import'], env)).stderr).toContain('name one list')
      const early = await bursar(['reprice', '--from', '2026-10-01'], env)
      expect(early.stderr).toContain('no policy was ever in force')
      await scheduler.close()
      await askForRun(ledger, 'work', 'test', 1)
      expect(await forgetRuns(ledger, Date.now() + 1_000)).toBe(0)
      expect(jobsHistory.input.parse({})).toEqual({ failed: false, limit: 50 })
    },
  )
})

/** Looks again after each turn of the event loop, until there is something. */
async function until<T>(look: () => T | Promise<T>): Promise<Exclude<T, false | null>> {
  for (;;) {
    const seen = await look()
    if (seen !== false && seen !== null) return seen as Exclude<T, false | null>
    await new Promise(setImmediate)
  }
}
