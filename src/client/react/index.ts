export { BursarError, type ErrorCode, type ErrorDetail } from '../../errors.ts'
export { type BrowserBursar, type BrowserOptions, createBrowserBursar } from './bursar.ts'
export { BursarProvider, useBursar } from './context.ts'
export type { JobState } from './job-run.ts'
export type { Query, QueryCounts } from './query-store.ts'
export {
  type CacheLoad,
  type CacheMetrics,
  createCacheHook,
  useCache,
  useCacheMetrics,
} from './use-cache.ts'
export { type JobHandle, type JobOptions, useJob } from './use-job.ts'
export type { QueryOptions, QueryResult } from './use-query.ts'
export { useQuota } from './use-quota.ts'
export { type Usage, type UsageQuestion, type UsageRow, useUsage } from './use-usage.ts'
