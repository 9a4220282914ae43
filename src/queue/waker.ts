import { Job } from 'bullmq'
import { messageOf } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { QUEUES } from './names.ts'
import type { Queues } from './queues.ts'

/** Brings parked jobs back before their time. */
export interface Waker {
  /** Returns at once. A job that cannot be woken comes back at the time it was parked until. */
  wake(jobs: readonly string[]): void
  /** Resolves when everybody that was to be woken is, or has been given up. */
  idle(): Promise<void>
}

interface WakerOptions {
  readonly queues: Queues
  readonly logger: Logger
}

/** A job that is to be woken may still be on its way to being parked: looked for again after each of these, ms. */
const LOOK_AGAIN_MS = [10, 40, 160, 640, 2_560]
/** Jobs looked at together: a class of a hundred wakes at once, and Redis serves others in between. */
const AT_ONCE = 16

export function createWaker({ queues, logger }: WakerOptions): Waker {
  const busy = new Set<Promise<void>>()

  async function wakeAll(jobs: readonly string[]): Promise<void> {
    for (let at = 0; at < jobs.length; at += AT_ONCE) {
      await Promise.all(jobs.slice(at, at + AT_ONCE).map((id) => wakeOne(id)))
    }
  }

  async function wakeOne(id: string): Promise<void> {
    try {
      for (const delayMs of LOOK_AGAIN_MS) {
        if (await promoted(id, queues)) return
        await pause(delayMs)
      }
    } catch (error) {
      logger.warn({ job: id, reason: messageOf(error) }, 'a job was not woken: it comes by itself')
    }
  }

  return {
    wake(jobs) {
      const work = wakeAll(jobs).finally(() => busy.delete(work))
      busy.add(work)
    },
    async idle() {
      await Promise.all(busy)
    },
  }
}

/** @returns true when there is nothing left to do for the job: it waits for a worker now, or is gone. */
async function promoted(id: string, queues: Queues): Promise<boolean> {
  const found = await Promise.all(QUEUES.map((name) => Job.fromId(queues[name], id)))
  const job = found.find((one) => one !== undefined)
  if (!job || job.finishedOn) return true
  if (!(await job.isDelayed())) return false
  await promote(job)
  return true
}

/** Lets a delayed job wait for a worker instead. */
export const promote = (job: Pick<Job, 'promote' | 'isDelayed'>): Promise<void> =>
  job.promote().catch(async (error: unknown) => {
    // Its time came in between.
    if (await job.isDelayed()) throw error
  })

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
