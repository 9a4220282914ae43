import { Redis } from 'ioredis'

export interface ConnectionSettings {
  /** `redis://` or `rediss://`. */
  readonly url: string
  /** Shown by CLIENT LIST. */
  readonly name: string
}

// Quick at first, because a failover takes a second or two; never slower than this, so that nobody waits for long.
const MAX_RECONNECT_MS = 2_000
const retryStrategy = (times: number): number => Math.min(times * 50, MAX_RECONNECT_MS)

/**
 * A connection for commands of the slot. Each command fails after `timeoutMs`, also while the server is away, and is
 * sent once: what became of it is for the caller to find out by replaying it. Commands of one tick of the event loop
 * travel together.
 */
export const connectCommands = (settings: ConnectionSettings & { timeoutMs: number }): Redis =>
  quiet(
    new Redis(settings.url, {
      connectionName: settings.name,
      lazyConnect: true,
      retryStrategy,
      commandTimeout: settings.timeoutMs,
      maxRetriesPerRequest: 1,
      autoResendUnfulfilledCommands: false,
      enableAutoPipelining: true,
    }),
  )

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
