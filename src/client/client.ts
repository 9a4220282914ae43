import { type Options, readOptions } from '../config/options.ts'
import { type Clock, realClock } from '../queue/clock.ts'
import { type ExplainCache, explainCache } from '../queue/explain-cache.ts'
import { createLogger } from '../telemetry/logger.ts'
import type { Client } from './client-type.ts'
import { createEmbeddedClient } from './embedded/client.ts'
import { createHttpClient } from './http/client.ts'
import { createLink } from './link.ts'
import { clientOver } from './over-link.ts'

export interface ClientOptions {
  /** A gateway to talk to over HTTP. Absent = BURSAR_URL, unless `redisUrl` is given. */
  readonly url?: string
  /** Shown to the gateway: `authorization: Bearer ...`. Absent = BURSAR_API_KEY. */
  readonly apiKey?: string
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
 * Creates a client: over HTTP when a gateway's address is known, else straight to Redis when that is, else embedded: to
 * whoever has the data folder open, and when nobody has, to a Bursar that it starts beside this process and that ends
 * with it. The environment is read now; nothing is connected or started before the first call.
 * @throws {BursarError} INVALID_OPTIONS when an option is wrong.
 */
export function createClient(options: ClientOptions = {}): Client {
  const { clock = realClock } = options
  const settings = readOptions({
    ...process.env,
    ...(options.redisUrl && { REDIS_URL: options.redisUrl }),
    ...(options.prefix && { BURSAR_PREFIX: options.prefix }),
    ...(options.queuePrefix && { BURSAR_QUEUE_PREFIX: options.queuePrefix }),
  })
  const url = options.url ?? (options.redisUrl ? undefined : settings.BURSAR_URL)
  if (url !== undefined) {
    const apiKey = options.apiKey ?? settings.BURSAR_API_KEY
    return createHttpClient({ url, ...(apiKey && { apiKey }) })
  }
  if (settings.REDIS_URL) return clientOver(createLink(settings, clock), clock, explainTo(settings))
  return createEmbeddedClient(settings.BURSAR_DATA, process.env)
}

/** A client of its own has no log but the program's output. */
const explainTo = (settings: Options): ExplainCache | undefined =>
  settings.CACHE_DEBUG
    ? explainCache(settings, createLogger({ level: settings.LOG_LEVEL, name: 'bursar-client' }))
    : undefined
