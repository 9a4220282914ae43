import { randomBytes } from 'node:crypto'
import type { Job } from 'bullmq'
import type { EmbeddedDatabase } from '../../src/embedded/database.ts'
import { openEmbeddedDatabase } from '../../src/embedded/database.ts'
import {
  type CompletionQueue,
  postgresBackend,
  type QueueBackend,
  type QueueProcessor,
  type QueueWorker,
  type QueueWorkerOptions,
  redisBackend,
} from '../../src/queue/backend.ts'
import { newJobId } from '../../src/queue/ids.ts'
import { JOB_NAME, KEEP_ENDED } from '../../src/queue/names.ts'
import { connectRedis, freshPrefix } from '../helpers/redis.ts'
import { jobData } from './embedded-job.ts'

/** Where queues live in a test. */
export interface Place {
  readonly backend: QueueBackend
  close(): Promise<void>
}

/** Both places; suites run once in each. */
export const PLACES = [
  { name: 'Redis', open: openOnRedis },
  { name: 'PGlite', open: () => openOnPglite(null) },
] as const

async function openOnRedis(): Promise<Place> {
  const redis = connectRedis({ maxRetriesPerRequest: null }).setMaxListeners(0)
  return { backend: redisBackend(redis, freshPrefix()), close: async () => redis.disconnect() }
}

/** @param folder - null = in memory. */
export async function openOnPglite(
  folder: string | null,
): Promise<Place & { readonly embedded: EmbeddedDatabase }> {
  const embedded = await openEmbeddedDatabase({ folder })
  return { embedded, backend: postgresBackend(embedded.pool), close: () => embedded.close() }
}

/** A queue of a test's own, with its workers. */
export interface Bench {
  readonly queue: CompletionQueue
  add(options?: { priority?: number; attempts?: number }): Promise<string>
  work(processor: QueueProcessor, options?: Partial<QueueWorkerOptions>): QueueWorker
  close(): Promise<void>
}

export function openBench(place: Place, name = `q-${randomBytes(6).toString('hex')}`): Bench {
  const queue = place.backend.openQueue(name).on('error', () => {})
  const workers: QueueWorker[] = []
  return {
    queue,
    async add({ priority = 1_000, attempts = 3 } = {}) {
      const id = newJobId()
      await queue.add(JOB_NAME, jobData(id), {
        ...{ jobId: id, priority, attempts, backoff: { type: 'ours' } },
      })
      return id
    },
    work(processor, options) {
      const worker = place.backend.openWorker(name, processor, {
        concurrency: 1,
        // Nobody looks again by himself within a test: what wakes a worker is a notification or a time that has come.
        drainDelay: 120,
        lockDuration: 30_000,
        stalledInterval: 30_000,
        maxStalledCount: 100,
        removeOnComplete: KEEP_ENDED,
        removeOnFail: KEEP_ENDED,
        settings: { backoffStrategy: () => 20 },
        ...options,
      })
      workers.push(worker.on('error', () => {}))
      return worker
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()))
      await queue.close()
    },
  }
}

/** @returns the jobs that end well from now on, once there are `count` of them, in their order. */
export const completions = (worker: QueueWorker, count: number): Promise<Job[]> =>
  new Promise((resolve) => {
    const jobs: Job[] = []
    worker.on('completed', (job) => {
      if (jobs.push(job) === count) resolve(jobs)
    })
  })
