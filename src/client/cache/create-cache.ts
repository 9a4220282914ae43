import type { Redis } from 'ioredis'
import { createCodec } from '../../cache/codec/codec.ts'
import { readCacheKeys } from '../../cache/codec/keys.ts'
import { createDataCache, type DataCacheParts } from '../../cache/data/data-cache.ts'
import { memoryDataStore } from '../../cache/data/memory-store.ts'
import { createNamespaces } from '../../cache/data/namespaces.ts'
import { redisDataStore } from '../../cache/data/redis-store.ts'
import type { DataCache } from '../../cache/data/types.ts'
import { withFallback } from '../../cache/data/with-fallback.ts'
import { readOptions } from '../../config/options.ts'
import type { CacheNamespacePolicy, Policy } from '../../config/policy-types.ts'
import { isBursarError } from '../../errors.ts'
import { connectCommands } from '../../queue/connection.ts'
import { redisShelf } from '../../queue/published-policy.ts'
import { createSharedRules } from '../../queue/rules.ts'
import { createLogger } from '../../telemetry/logger.ts'

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
 * Creates a cache for an application's own data, over the Redis that Bursar runs on. The environment is read now; nothing
 * is connected before the first call; from then on the process lives until it is closed.
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
  const url = settings.REDIS_URL
  if (!url) {
    const policy = async () => null
    return createDataCache({ store: local, codec, logger, ...rulesOver(policy, options) })
  }
  const timeoutMs = settings.REDIS_COMMAND_TIMEOUT_MS
  const redis = connectCommands({ url, name: 'bursar-cache', timeoutMs })
  const policy = policyOf(redis, settings.BURSAR_PREFIX)
  const store = withFallback({ shared: redisDataStore(redis), local, logger })
  const cache = createDataCache({ store, codec, logger, ...rulesOver(policy, options) })
  return {
    ...cache,
    async close() {
      await cache.close()
      redis.disconnect()
    },
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
