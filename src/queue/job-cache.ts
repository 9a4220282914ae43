import type { GovernedRequest } from '../admission/plan-types.ts'
import { type CacheAsked, isJoined, isKept, isServed, judgeCache } from '../cache/rules.ts'
import type { CacheMode } from '../config/cache-types.ts'
import type { Policy } from '../config/policy-types.ts'
import type { CompletionJob, LoadedJob } from './job.ts'

type Cached = Pick<CompletionJob, 'cacheKey' | 'cache'>

/** How a request stands to the cache, as its job carries it. */
export function cacheFields(
  request: GovernedRequest,
  asked: CacheAsked,
  policy: Policy,
): Pick<CompletionJob, 'cacheKey' | 'cache' | 'cacheOff'> {
  const verdict = judgeCache(request, asked, policy)
  const { mode, key } = verdict
  const { mode: _, ...rest } = asked
  const cache = mode === 'on' ? rest : { ...rest, mode }
  return {
    cacheKey: key,
    ...(Object.keys(cache).length > 0 && { cache }),
    ...(verdict.key === null && { cacheOff: verdict.why }),
  }
}

export const cacheMode = ({ cache }: Pick<CompletionJob, 'cache'>): CacheMode => cache?.mode ?? 'on'

/** Under which key it may be served; null = not from the cache. */
export const servedKey = (job: Cached): string | null =>
  isServed(cacheMode(job)) ? job.cacheKey : null

/** Under which key it waits for equals, and they for it; null = it asks for itself alone. */
export const joinedKey = (job: Cached): string | null =>
  isJoined(cacheMode(job)) ? job.cacheKey : null

/**
 * Where its answer is kept, and for how long: as the policy has it under which it was called.
 * @returns null when it is not, also when that policy would look for it elsewhere: its rungs, its rules or its walls
 * are no longer those of the key.
 */
export function keptUnder(
  job: Omit<LoadedJob, 'bodyKept'>,
  policy: Policy,
): { readonly key: string; readonly ttlMs: number } | null {
  const mode = cacheMode(job)
  if (job.cacheKey === null || !isKept(mode)) return null
  const verdict = judgeCache(job, { ...job.cache, mode }, policy)
  return verdict.key === job.cacheKey ? { key: verdict.key, ttlMs: verdict.ttlMs } : null
}
