import { z } from 'zod'
import { openLedger } from '../../src/ledger/open.ts'
import { startScheduler } from '../../src/schedule/scheduler.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { START_MS, TEST_JOBS } from './schedule-jobs.ts'

/** One replica of the scheduler, whose clock runs fast; it lives until it is killed. Run by `schedule.test.ts`. */
const { DATABASE_URL, BASE_MS, SPEED } = z
  .object({ DATABASE_URL: z.string(), BASE_MS: z.coerce.number(), SPEED: z.coerce.number() })
  .parse(process.env)

const clock = {
  now: () => START_MS + (Date.now() - BASE_MS) * SPEED,
  follow: () => {},
  virtual: true,
}
const ledger = await openLedger({ databaseUrl: DATABASE_URL, poolSize: 4 })
const jobs = TEST_JOBS.map((job) => ({
  ...job,
  run: async (...given: Parameters<typeof job.run>) => {
    const figures = await job.run(...given)
    process.stdout.write(`${job.name} ${given[1].atMs}\n`)
    return figures
  },
}))
const logger = createLogger({ level: 'silent', name: 'scheduler' })
startScheduler(jobs, { parts: ledger, ledger, clock, logger, leaseMs: 600, lookMs: 20 })
process.stdout.write('up\n')
