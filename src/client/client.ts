import { readOptions } from '../config/options.ts'
import { type Clock, realClock } from '../queue/clock.ts'
import type { Client } from './client-type.ts'
import { createLink } from './link.ts'
import { clientOver } from './over-link.ts'

export interface ClientOptions {
  /** Absent = the environment's REDIS_URL. */
  readonly redisUrl?: string
  /** Absent = BURSAR_PREFIX, `{bursar}`. */
  readonly prefix?: string
  /** Absent = BURSAR_QUEUE_PREFIX, `{bursar-queue}`. */
  readonly queuePrefix?: string
  /** Virtual time, for replays and simulations. */
  readonly clock?: Clock
}

/**
 * Creates a client. The environment is read now; nothing is connected before the first call.
 * @throws {BursarError} INVALID_OPTIONS when REDIS_URL is missing or an option is wrong.
 */
export function createClient(options: ClientOptions = {}): Client {
  const { clock = realClock } = options
  const settings = readOptions({
    ...process.env,
    ...(options.redisUrl && { REDIS_URL: options.redisUrl }),
    ...(options.prefix && { BURSAR_PREFIX: options.prefix }),
    ...(options.queuePrefix && { BURSAR_QUEUE_PREFIX: options.queuePrefix }),
  })
  return clientOver(createLink(settings, clock), clock)
}
