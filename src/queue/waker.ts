import { setTimeout as pause } from 'node:timers/promises'
import { Job } from 'bullmq'
import { messageOf } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { QUEUES } from './names.ts'
import type { Queues } from './queues.ts'

/** Brings parked jobs back before their time. */
export interface Waker {
  /** Returns at once. A job that cannot be woken comes back at the time it was parked until. */
  wake(jobs: readonly string[]): void
  /** Looks for nobody again, and resolves when the look under way has ended. */
  close(): Promise<void>
}

interface WakerOptions {
  readonly queues: Queues
  readonly logger: Logger
}

/** A job that is to be woken may still be on its way to being parked: looked for again after each of these, ms. */
const LOOK_AGAIN_MS = [10, 40, 160, 640, 2_560, 10_240]
/** Jobs looked at together: a class of a hundred wakes at once, and Redis serves others in between. */
const AT_ONCE = 16

export function createWaker({ queues, logger }: WakerOptions): Waker {
  const busy = new Set<Promise<void>>()
  const closing = new AbortController()

  async function wakeAll(jobs: readonly string[]): Promise<void> {
    let asleep = await stillAsleep(jobs)
    for (const delayMs of LOOK_AGAIN_MS) {
      if (asleep.length === 0) return
      await pause(delayMs, undefined, { signal: closing.signal }).catch(() => {})
      if (closing.signal.aborted) return
      asleep = await stillAsleep(asleep)
    }
  }

  async function stillAsleep(jobs: readonly string[]): Promise<readonly string[]> {
    const asleep: string[] = []
    for (let at = 0; at < jobs.length; at += AT_ONCE) {
      const some = jobs.slice(at, at + AT_ONCE)
      const awake = await Promise.all(some.map((id) => isWoken(id)))
      asleep.push(...some.filter((_, i) => !awake[i]))
    }
    return asleep
  }

  async function isWoken(id: string): Promise<boolean> {
    try {
      return await promoted(id, queues)
    } catch (error) {
      logger.warn({ job: id, reason: messageOf(error) }, 'a job was not woken yet')
      return false
    }
  }

  return {
    wake(jobs) {
      const work = wakeAll(jobs).finally(() => busy.delete(work))
      busy.add(work)
    },
    async close() {
      closing.abort()
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
