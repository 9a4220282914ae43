import { isJson, unreadable } from '../http/read-reply.ts'
import { useBursar } from './context.ts'
import type { QueryCounts } from './query-store.ts'
import { type QueryOptions, type QueryResult, useQuery } from './use-query.ts'

/** Gets a value of a namespace; the signal aborts when nobody shows it any more. */
export type CacheLoad<T> = (key: string, signal: AbortSignal) => Promise<T>

const TTL_MS = 300_000

/**
 * A value of the application, kept in the page for `ttlMs` (five minutes when absent): loaded once for all components
 * that show it.
 */
export function useCache<T>(
  namespace: string,
  key: string,
  load: CacheLoad<T>,
  options: QueryOptions = {},
): QueryResult<T> {
  return useQuery({
    key: `${namespace}/${key}`,
    load: (signal) => load(key, signal),
    group: namespace,
    ttlMs: TTL_MS,
    ...options,
  })
}

/**
 * Makes the hook of a namespace: `const useProfile = createCacheHook('profiles', loadProfile)`, then `useProfile('u42')`.
 * @param defaults - of each use, which may say otherwise.
 */
export const createCacheHook =
  <T>(namespace: string, load: CacheLoad<T>, defaults: QueryOptions = {}) =>
  (key: string, options: QueryOptions = {}): QueryResult<T> =>
    useCache(namespace, key, load, { ...defaults, ...options })

/** What the caches of this page and of the gateway did. */
export interface CacheMetrics {
  /** By namespace, since the page was loaded. */
  readonly page: Readonly<Record<string, QueryCounts>>
  /** Of today, by tenant and by namespace, as `bursar cache stats` has it. */
  readonly requests: readonly Readonly<Record<string, unknown>>[]
  readonly data: readonly Readonly<Record<string, unknown>>[]
}

const METRICS_TTL_MS = 30_000

/** How the caches do. For pages of operators: it needs the role viewer. */
export function useCacheMetrics(options: QueryOptions = {}): QueryResult<CacheMetrics> {
  const { askOperator, queries } = useBursar()
  return useQuery({
    key: 'cache-metrics',
    ttlMs: METRICS_TTL_MS,
    async load(signal) {
      const { requests, data } = await askOperator('cache-stats', {}, signal)
      return { page: queries.counts(), requests: rowsIn(requests), data: rowsIn(data) }
    },
    ...options,
  })
}

/** @throws {BursarError} UNREADABLE_REPLY. */
function rowsIn(rows: unknown): Readonly<Record<string, unknown>>[] {
  if (Array.isArray(rows) && rows.every(isJson)) return rows
  throw unreadable('statistics')
}
