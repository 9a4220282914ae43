import type { Redis } from 'ioredis'
import { type Codec, createCodec } from '../../cache/codec/codec.ts'
import { readCacheKeys } from '../../cache/codec/keys.ts'
import { createDataCache, type DataCacheParts } from '../../cache/data/data-cache.ts'
import { memoryDataStore } from '../../cache/data/memory-store.ts'
import { createNamespaces } from '../../cache/data/namespaces.ts'
import { dataPrefix, redisDataStore } from '../../cache/data/redis-store.ts'
import type { DataStore } from '../../cache/data/store.ts'
import type { DataCache } from '../../cache/data/types.ts'
import { whileAsked } from '../../cache/data/while-asked.ts'
import { withFallback } from '../../cache/data/with-fallback.ts'
import { redisFigures } from '../../cache/figures/redis-figures.ts'
import { createReporting } from '../../cache/figures/reporting.ts'
import { memoryFigures } from '../../cache/figures/shelf.ts'
import { answersOnEvents } from '../../cache/invalidation/events.ts'
import { redisAnswers } from '../../cache/invalidation/redis-answers.ts'
import type { CacheNamespacePolicy } from '../../config/cache-types.ts'
import { type Options, readOptions } from '../../config/options.ts'
import type { Policy } from '../../config/policy-types.ts'
import { isBursarError } from '../../errors.ts'
import { connectCommands } from '../../queue/connection.ts'
import { redisShelf } from '../../queue/published-policy.ts'
import { createSharedRules } from '../../queue/rules.ts'
import { createLogger } from '../../telemetry/logger.ts'
import { createKeepAlive, letExit } from '../idle.ts'

/** One kind of data of the application. */
export type NamespaceOptions = Pick<CacheNamespacePolicy, 'ttlMs'> & Partial<CacheNamespacePolicy>

export interface CacheOptions {
  /** Absent = the environment's REDIS_URL; missing there too = in the memory of this process. */
  readonly redisUrl?: string
  /** Absent = BURSAR_PREFIX: the slot whose policy names the namespaces. */
  readonly prefix?: string
  /** Beside those of the policy, which win. */
  readonly namespaces?: Readonly<Record<string, NamespaceOptions>>
  /** Absent = BURSAR_CACHE_KEYS: what namespaces that say `encrypt: true` are encrypted with. */
  readonly cacheKeys?: string
  /** Absent = JSON lines on standard output, from LOG_LEVEL on. */
  readonly logger?: DataCacheParts['logger']
}

const DEFAULT_TENANT = 'default'

/**
 * Creates a cache for an application's own data, over the Redis that Bursar runs on. The environment is read now;
 * nothing is connected before the first call, and no idle connection keeps the process alive.
 * @throws {BursarError} INVALID_OPTIONS when an option is wrong.
 */
export function createCache(options: CacheOptions = {}): DataCache {
  const settings = readOptions({
    ...process.env,
    ...(options.redisUrl && { REDIS_URL: options.redisUrl }),
    ...(options.prefix && { BURSAR_PREFIX: options.prefix }),
    ...(options.cacheKeys && { BURSAR_CACHE_KEYS: options.cacheKeys }),
  })
  const logger = options.logger ?? createLogger({ level: settings.LOG_LEVEL, name: 'bursar-cache' })
  const codec = createCodec(readCacheKeys(settings.BURSAR_CACHE_KEYS))
  const local = memoryDataStore()
  const { REDIS_URL: url, BURSAR_PREFIX: prefix } = settings
  return url
    ? cacheIn(url, prefix, { settings, options, logger, codec, local })
    : cacheAlone({ options, logger, codec, local })
}

interface Alone {
  readonly options: CacheOptions
  readonly logger: DataCacheParts['logger']
  readonly codec: Codec
  readonly local: DataStore
}

function cacheAlone({ options, logger, codec, local }: Alone): DataCache {
  const figures = memoryFigures()
  const { recorder, report } = createReporting(figures, logger)
  const rules = rulesOver(async () => null, options)
  const parts = { store: local, codec, logger, figures, recorder, ...rules }
  const cache = createDataCache(parts)
  return {
    ...cache,
    async stats(days) {
      await report()
      return cache.stats(days)
    },
  }
}

function cacheIn(
  url: string,
  prefix: string,
  { settings, options, logger, codec, local }: Alone & { readonly settings: Options },
): DataCache {
  const alive = createKeepAlive()
  const timeoutMs = settings.REDIS_COMMAND_TIMEOUT_MS
  const redis = letExit(connectCommands({ url, name: 'bursar-cache', timeoutMs }))
  const read = policyOf(redis, prefix)
  const policy = () => alive.during(read)
  const shared = redisDataStore(redis, dataPrefix(prefix))
  const store = whileAsked(withFallback({ shared, local, logger }), alive)
  const figures = redisFigures(redis, dataPrefix(prefix))
  const { recorder, report, close } = createReporting(figures, logger)
  const rules = rulesOver(policy, options)
  const answers = answersOnEvents(redisAnswers(redis, prefix), policy, rules.defaultTenant)
  const parts = { store, codec, logger, figures, recorder, ...rules }
  const cache = createDataCache({
    ...parts,
    answers: (event, owner) => alive.during(() => answers(event, owner)),
  })
  return {
    ...cache,
    stats: (days) =>
      alive.during(async () => {
        await report()
        return cache.stats(days)
      }),
    close: () =>
      alive.during(async () => {
        await close()
        await cache.close()
        redis.disconnect()
      }),
  }
}

/** The policy in force; null while nobody has published one, or nobody can be asked. */
function policyOf(redis: Redis, prefix: string): () => Promise<Policy | null> {
  const rules = createSharedRules(async () => redisShelf(redis, prefix))
  return async () => {
    try {
      return (await rules.get()).policy
    } catch (error) {
      if (isBursarError(error)) return null
      throw error
    }
  }
}

function rulesOver(
  policy: () => Promise<Policy | null>,
  { namespaces = {} }: CacheOptions,
): Pick<DataCacheParts, 'namespaces' | 'defaultTenant'> {
  const own = Object.fromEntries(
    Object.entries(namespaces).map(([name, one]) => [
      name,
      { invalidateOn: [], shared: false, ...one },
    ]),
  )
  let seen: Policy | null = null
  let known = createNamespaces(own)
  return {
    async namespaces() {
      const current = await policy()
      if (current && current !== seen) {
        known = createNamespaces({ ...own, ...current.cache.namespaces })
        seen = current
      }
      return known
    },
    defaultTenant: () => seen?.identity.defaultTenant ?? DEFAULT_TENANT,
  }
}
