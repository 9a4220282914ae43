export { cacheKey, codeHash } from '../../cache/data/keys.ts'
export type {
  Batch,
  CacheCounts,
  CacheStats,
  DataCache,
  Fetched,
  FetchOptions,
  Invalidated,
  Loader,
  Owner,
  ReadOptions,
  WriteOptions,
} from '../../cache/data/types.ts'
export { BursarError, type ErrorCode, type ErrorDetail } from '../../errors.ts'
export { type CacheOptions, createCache, type NamespaceOptions } from './create-cache.ts'
