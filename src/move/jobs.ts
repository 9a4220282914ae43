import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { SafeInteger } from '../ledger/columns.ts'
import type { CompletionJob } from '../queue/job.ts'
import { JOB_NAME, QUEUES, type QueueName } from '../queue/names.ts'
import type { CompletionQueue } from '../queue/queues.ts'
import type { Source } from './source.ts'
import type { Ticker } from './types.ts'

/** In the order in which a worker would get to them. One in hands belongs to a process that is gone. */
const WAITING = ['active', 'prioritized', 'waiting'] as const
const PARKED = ['delayed'] as const

export interface JobCounts {
  readonly queued: number
  readonly parked: number
}

/** Jobs of both queues that have not ended. */
export async function countJobs(queues: Source['queues']): Promise<JobCounts> {
  let [queued, parked] = [0, 0]
  for (const name of QUEUES) {
    queued += await queues[name].getJobCountByTypes(...WAITING)
    parked += await queues[name].getJobCountByTypes(...PARKED)
  }
  return { queued, parked }
}

const PAGE_JOBS = 200

/**
 * Puts every job that has not ended into the other queues: same id, data, priority, attempts, and the time it waits
 * for. A job that is there already stays as it is.
 * @param redis - of the other queues.
 */
export async function moveJobs(
  source: Source,
  to: Source['queues'],
  redis: Redis,
  ticker: Ticker,
  pageJobs = PAGE_JOBS,
): Promise<void> {
  for (const name of QUEUES) {
    for (const type of [...WAITING, ...PARKED]) {
      for (let at = 0; ; at += pageJobs) {
        const jobs = await source.queues[name].getJobs([type], at, at + pageJobs - 1, true)
        const wakes = type === 'delayed' ? await wakeTimes(source, name, jobs) : NO_WAKES
        await addJobs(to[name], redis, jobs, wakes)
        ticker.tick(jobs.length, type === 'delayed' ? 'parked jobs' : 'queued jobs')
        if (jobs.length < pageJobs) break
      }
    }
  }
}

type Wakes = ReadonlyMap<string, number>
const NO_WAKES: Wakes = new Map()

const WakeRow = z.object({ id: z.string(), at: SafeInteger })

/** When parked jobs come back, ms. BullMQ tells how long each was to wait, not since when. */
async function wakeTimes({ database }: Source, queue: QueueName, jobs: readonly Job[]) {
  const { rows } = await database.query(
    `select id, process_at_ms as at from bullmq.job
     where queue = $1 and state = 'delayed' and id = any($2::text[])`,
    [queue, jobs.map((job) => job.id)],
  )
  return new Map(
    z
      .array(WakeRow)
      .parse(rows)
      .map(({ id, at }) => [id, at]),
  )
}

async function addJobs(
  queue: CompletionQueue,
  redis: Redis,
  jobs: readonly Job<CompletionJob, void>[],
  wakes: Wakes,
): Promise<void> {
  if (jobs.length === 0) return
  const added = await queue.addBulk(
    jobs.map((job) => ({ name: JOB_NAME, data: job.data, opts: optionsOf(job, wakes) })),
  )
  await Promise.all(jobs.map((job, at) => copyState(queue, redis, job, added[at])))
}

function optionsOf(job: Job<CompletionJob, void>, wakes: Wakes) {
  const { delay: _, ...opts } = job.opts
  const kept = { ...opts, jobId: job.id ?? job.data.id, timestamp: job.timestamp }
  const wakeMs = wakes.get(kept.jobId)
  // A delay counts from the job's timestamp: so the time it wakes at stays the same, whenever it is moved.
  const delay = wakeMs === undefined ? 0 : Math.max(wakeMs - job.timestamp, 1)
  return { ...kept, priority: job.priority, ...(delay > 0 ? { delay } : {}) }
}

/** BullMQ adds every job as a new one: how often it was tried is written beside it, in the fields it counts in. */
async function copyState(
  queue: CompletionQueue,
  redis: Redis,
  job: Job<CompletionJob, void>,
  added: Job<CompletionJob, void> | undefined,
): Promise<void> {
  const { attemptsMade, attemptsStarted, stalledCounter, progress } = job
  if (attemptsMade + attemptsStarted + stalledCounter > 0) {
    const counts = { atm: attemptsMade, ats: attemptsStarted, stc: stalledCounter }
    await redis.hset(queue.toKey(job.id ?? job.data.id), counts)
  }
  // Why it is parked, for people.
  if (progress !== 0) await added?.updateProgress(progress)
}
