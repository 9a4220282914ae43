import {
  type BackendFactory,
  type ConnectionOptions,
  createPostgresBackend,
  createRedisBackend,
  type IQueueBackend,
  type JobProgress,
  type PgPool,
  type PostgresConnectionOptions,
  type Processor,
  Queue,
  Worker,
  type WorkerOptions,
} from 'bullmq'
import type { Redis } from 'ioredis'
import type { CompletionJob } from './job.ts'

/** A queue of ours, wherever it lives. */
export type QueueOf<Data> = Queue<Data, void, string, Data, void, string, IQueueBackend, unknown>
export type CompletionQueue = QueueOf<CompletionJob>
/** A worker of ours, wherever its queue lives. */
export type WorkerOf<Data> = Worker<Data, void, string, IQueueBackend, JobProgress, unknown>
export type QueueWorker = WorkerOf<CompletionJob>
/** BullMQ hands out the signal of a cancellation only to a processor that declares three parameters. */
export type QueueProcessor = Processor<CompletionJob, void>
export type QueueWorkerOptions = Omit<WorkerOptions, 'connection' | 'prefix'>

/** Where the queues live. What it opens, the caller closes; the connection below stays the caller's. */
export interface QueueBackend {
  openQueue<Data = CompletionJob>(name: string): QueueOf<Data>
  /** Starts to take jobs at once. The caller listens to `error`: unheard, it would end the process. */
  openWorker<Data = CompletionJob>(
    name: string,
    processor: Processor<Data, void>,
    options: QueueWorkerOptions,
  ): WorkerOf<Data>
}

// Results never travel by BullMQ's events, so few of them are worth keeping.
const STREAMS = { events: { maxLen: 1_000 } }

/**
 * Queues in Redis.
 * @param connection - shared by all BullMQ objects of the process; a worker adds a blocking one of its own.
 * @param prefix - with braces, so that a queue lives in one Cluster slot.
 */
export const redisBackend = (connection: Redis, prefix: string): QueueBackend =>
  over<ConnectionOptions>(connection, createRedisBackend, { prefix })

/**
 * Queues in the schema `bullmq` of a database that `runMigrations` has prepared.
 * @param pool - its sessions find unqualified names in that schema.
 */
export const postgresBackend = (pool: PgPool): QueueBackend =>
  over<PostgresConnectionOptions>(pool, createPostgresBackend, {})

function over<C>(
  connection: C,
  factory: BackendFactory<IQueueBackend, C>,
  place: { readonly prefix?: string },
): QueueBackend {
  // Queues of both kinds have one type when nobody can see from outside what they are connected to.
  const connect: BackendFactory<IQueueBackend, unknown> = (name, options, more) =>
    factory(name, { ...options, connection }, more)
  return {
    openQueue: <Data>(name: string): QueueOf<Data> =>
      new Queue(name, { ...place, connection, streams: STREAMS }, connect),
    openWorker: <Data>(
      name: string,
      processor: Processor<Data, void>,
      options: QueueWorkerOptions,
    ): WorkerOf<Data> => new Worker(name, processor, { ...options, ...place, connection }, connect),
  }
}
