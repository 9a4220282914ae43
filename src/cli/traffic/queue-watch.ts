import { QUEUES } from '../../queue/names.ts'
import type { Queues } from '../../queue/queues.ts'

/** How the jobs of both queues stand. */
export interface QueueState {
  /** Waiting for a worker, or in the hands of one, dead or alive. */
  readonly busy: number
  /** Told to come back later, for whatever reason. */
  readonly delayed: number
}

export async function lookAtQueues(queues: Queues): Promise<QueueState> {
  const counts = await Promise.all(
    QUEUES.map((name) => queues[name].getJobCounts('waiting', 'prioritized', 'active', 'delayed')),
  )
  const sum = (state: string) => counts.reduce((total, one) => total + (one[state] ?? 0), 0)
  const busy = sum('waiting') + sum('prioritized') + sum('active')
  return { busy, delayed: sum('delayed') }
}

/** A retry or a check of a limit comes back within seconds; what is parked for money waits for a promotion. */
const LONG_MS = 3_600_000

/**
 * Whether nothing is left but what waits for money.
 * @param longMs - what comes back sooner is a retry, or waits for a limit.
 */
export async function isQuiet(queues: Queues, longMs = LONG_MS): Promise<boolean> {
  const { busy, delayed } = await lookAtQueues(queues)
  if (busy > 0) return false
  if (delayed === 0) return true
  const soonest = await Promise.all(
    QUEUES.map(async (name) => (await queues[name].getJobs(['delayed'], 0, 0, true))[0]),
  )
  return soonest.every((job) => !job || job.delay > longMs)
}

/** Ids of the jobs that wait for a later window. */
export async function parkedJobs(queues: Queues): Promise<Set<string>> {
  const ids = await Promise.all(QUEUES.map((name) => queues[name].getRanges(['delayed'], 0, -1)))
  return new Set(ids.flat())
}
