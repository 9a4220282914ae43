import { Cron } from 'croner'
import { messageOf } from '../src/errors.ts'
import type { Runtime } from '../src/runtime.ts'
import type { TickedJob as Ticked } from '../src/schedule/types.ts'

/** Work whose ticks run once among all processes, with a history (`startScheduler`). */
export type TickedJob = Ticked<Runtime>

/**
 * Housekeeping that comes back every few seconds or shows a process's own figures: every process runs it, so it must bear
 * company and repetition, and nothing writes it down.
 */
export interface ScheduledJob {
  readonly name: string
  /** Cron expression, UTC; six fields begin with seconds. */
  readonly schedule: string
  /** @returns figures for the log; absent or empty = nothing worth a line. */
  run(runtime: Runtime): Promise<Readonly<Record<string, unknown>> | undefined>
}

export interface RunningJobs {
  /** Starts nothing more and waits for what is running. */
  close(): Promise<void>
}

/**
 * Runs jobs on their schedules. A run that is late is not joined by the next; a run that fails is logged.
 * @param atOnce - those that also run now.
 */
export function startJobs(
  jobs: readonly ScheduledJob[],
  runtime: Runtime,
  atOnce: readonly ScheduledJob[] = [],
): RunningJobs {
  const running = new Set<Promise<void>>(atOnce.map((job) => runOnce(job, runtime)))
  const crons = jobs.map((job) => {
    const run = async () => {
      const one = runOnce(job, runtime)
      running.add(one)
      await one
      running.delete(one)
    }
    return new Cron(job.schedule, { name: job.name, timezone: 'UTC', protect: true }, run)
  })
  return {
    async close() {
      for (const cron of crons) cron.stop()
      await Promise.all(running)
    },
  }
}

async function runOnce(job: ScheduledJob, runtime: Runtime): Promise<void> {
  const { logger } = runtime
  try {
    const figures = await job.run(runtime)
    if (figures && Object.keys(figures).length > 0) logger.info({ job: job.name, ...figures })
  } catch (error) {
    logger.error({ job: job.name, reason: messageOf(error) }, 'a scheduled job failed')
  }
}
