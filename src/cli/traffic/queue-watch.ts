import { QUEUES, type QueueName } from '../../queue/names.ts'
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

/** Ids of the jobs that were told to come back later. */
export async function delayedJobs(queues: Queues): Promise<Set<string>> {
  const ids = await Promise.all(QUEUES.map((name) => queues[name].getRanges(['delayed'], 0, -1)))
  return new Set(ids.flat())
}

/**
 * The jobs that wait for money, when nothing but those is left; null = something moves, or moved while we looked: what
 * comes back each moment is in one place at the first question, and in another at the second.
 * @param longMs - what comes back sooner is a retry, or waits for a limit.
 */
export async function restingJobs(queues: Queues, longMs = LONG_MS): Promise<Set<string> | null> {
  const resting = await Promise.all(QUEUES.map((name) => restingIn(queues[name], longMs)))
  const seen = resting.flatMap((ids) => ids ?? [])
  const { busy, delayed } = await lookAtQueues(queues)
  return busy === 0 && delayed === seen.length ? new Set(seen) : null
}

async function restingIn(queue: Queues[QueueName], longMs: number): Promise<string[] | null> {
  const ids = await queue.getRanges(['delayed'], 0, -1)
  const [soonest] = await queue.getJobs(['delayed'], 0, 0, true)
  return ids.length === 0 || (soonest && soonest.delay > longMs) ? ids : null
}
