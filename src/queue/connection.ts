import { Redis, type RedisOptions } from 'ioredis'

export interface ConnectionSettings {
  /** `redis://` or `rediss://`. */
  readonly url: string
  /** Shown by CLIENT LIST. */
  readonly name: string
}

// Quick at first, because a failover takes a second or two; never slower than this, so that nobody waits for long.
const MAX_RECONNECT_MS = 2_000
const retryStrategy = (times: number): number => Math.min(times * 50, MAX_RECONNECT_MS)

const PATIENT: RedisOptions = { commandTimeout: undefined }

/**
 * A connection for commands of the slot. Each command fails after `timeoutMs`, also while the server is away: what
 * became of it is for the caller to find out by replaying it. One that a broken connection cut off is sent again within
 * that time, which is why nothing but commands that bear repetition may use it. Commands of one tick of the event loop
 * travel together.
 */
export function connectCommands(settings: ConnectionSettings & { timeoutMs: number }): Redis {
  const redis = new Redis(settings.url, {
    connectionName: settings.name,
    lazyConnect: true,
    retryStrategy,
    commandTimeout: settings.timeoutMs,
    maxRetriesPerRequest: 1,
    enableAutoPipelining: true,
  })
  // A subscriber made from it resubscribes by itself after a reconnect; if that could time out, nobody would hear the
  // rejection, and it would end the process.
  const duplicate = redis.duplicate.bind(redis)
  redis.duplicate = (override) => duplicate({ ...PATIENT, ...override })
  return quiet(redis)
}

/** A connection that waits for the server as long as it takes: for BullMQ, one per process, and for subscriptions. */
export const connectPatient = (settings: ConnectionSettings): Redis =>
  quiet(
    new Redis(settings.url, {
      connectionName: settings.name,
      lazyConnect: true,
      retryStrategy,
      maxRetriesPerRequest: null,
    }),
  )

// ioredis prints an error that nobody listens to, and warns of many listeners: each BullMQ object adds a few.
const quiet = (redis: Redis): Redis => redis.on('error', () => {}).setMaxListeners(0)
