import { memorySessions } from '../access/sessions/memory.ts'
import { redisSessions } from '../access/sessions/redis/sessions.ts'
import type { Sessions, SessionTimes } from '../access/sessions/types.ts'
import type { DataCache } from '../cache/data/types.ts'
import { createCache, type NamespaceOptions } from '../client/cache/create-cache.ts'
import { letExit } from '../client/idle.ts'
import { type Options, readOptions } from '../config/options.ts'
import { connectCommands } from '../queue/connection.ts'
import { readTime } from './duration.ts'
import { type ExpressMiddleware, expressMiddleware } from './express.ts'
import { type FastifyMiddleware, fastifyMiddleware } from './fastify.ts'
import { memoryLimiter, slotLimiter } from './limits/limiter.ts'

export interface MiddlewareOptions {
  /** Absent = the environment's REDIS_URL; missing there too = in the memory of this process. */
  readonly redisUrl?: string
  /** Absent = BURSAR_PREFIX. */
  readonly prefix?: string
  /** Of `cacheAnswers`, beside those of the policy, which win. `pages` (5m) is there without a word. */
  readonly namespaces?: Readonly<Record<string, NamespaceOptions>>
  readonly sessions?: {
    /** How long one lasts without a request; absent = `24h`. */
    readonly idle?: string
    /** How long one lasts at most; absent = `30d`. */
    readonly longest?: string
    /** How many one person may have; the one idle longest goes. Absent = 20. */
    readonly perUser?: number
  }
}

/** Middleware for the application around the models: who calls how often, what was answered, who is signed in. */
export interface Middleware {
  readonly express: ExpressMiddleware
  readonly fastify: FastifyMiddleware
  /** Behind `cacheAnswers`, and for whatever else the application keeps. */
  readonly cache: DataCache
  readonly sessions: Sessions
  /** Ends connections. Not needed to let a script end. */
  close(): Promise<void>
}

const PAGES: NamespaceOptions = { ttlMs: 300_000 }

/**
 * Creates middleware over the Redis that Bursar runs on. The environment is read now; nothing is connected before the
 * first request.
 * @throws {BursarError} INVALID_OPTIONS, INVALID_ARGUMENT when an option is wrong.
 */
export function createMiddleware(options: MiddlewareOptions = {}): Middleware {
  const settings = readOptions({
    ...process.env,
    ...(options.redisUrl && { REDIS_URL: options.redisUrl }),
    ...(options.prefix && { BURSAR_PREFIX: options.prefix }),
  })
  const { REDIS_URL: redisUrl, BURSAR_PREFIX: prefix } = settings
  const namespaces = { pages: PAGES, ...options.namespaces }
  const cache = createCache({ ...(redisUrl && { redisUrl }), prefix, namespaces })
  const limiter = redisUrl ? slotLimiter(settings) : memoryLimiter()
  const { sessions, close } = sessionsIn(settings, timesOf(options))
  const parts = { limiter, cache, sessions }
  return {
    express: expressMiddleware(parts),
    fastify: fastifyMiddleware(parts),
    cache,
    sessions,
    async close() {
      close()
      await Promise.all([cache.close(), limiter.close()])
    },
  }
}

function sessionsIn(
  { REDIS_URL: url, BURSAR_PREFIX: prefix, REDIS_COMMAND_TIMEOUT_MS: timeoutMs }: Options,
  times: Partial<SessionTimes>,
): { readonly sessions: Sessions; close(): void } {
  if (!url) return { sessions: memorySessions(times), close: () => {} }
  const redis = letExit(connectCommands({ url, name: 'bursar-sessions', timeoutMs }))
  const sessions = redisSessions({ redis, prefix, ...times })
  return { sessions, close: () => redis.disconnect() }
}

function timesOf({ sessions = {} }: MiddlewareOptions): Partial<SessionTimes> {
  const { idle, longest, perUser } = sessions
  return {
    ...(idle !== undefined && { idleMs: readTime(idle, 'sessions.idle') }),
    ...(longest !== undefined && { longestMs: readTime(longest, 'sessions.longest') }),
    ...(perUser !== undefined && { perUser }),
  }
}
