import type { Outcome } from '../admission/outbox.ts'
import { OFF_WORDS } from '../cache/off-words.ts'
import { readKey } from '../cache/walls.ts'
import type { Options } from '../config/options.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CompletionJob } from './job.ts'
import { cacheMode } from './job-cache.ts'

/**
 * Told how each request ended: says in the log what the cache had to do with it, and why.
 * @param isStale - whether it was served an answer whose time was over.
 */
export type ExplainCache = (job: CompletionJob, ended: Outcome, isStale?: boolean) => void

/** @returns undefined when nobody asked for it: nothing is worked out then. */
export function explainCache(
  { CACHE_DEBUG }: Pick<Options, 'CACHE_DEBUG'>,
  logger: Pick<Logger, 'info'>,
): ExplainCache | undefined {
  if (!CACHE_DEBUG) return undefined
  return (job, ended, isStale = false) => {
    const { id, tenant, user, cacheKey, cacheOff } = job
    const verdict = verdictOf(job, ended, isStale)
    const wall = cacheKey === null ? null : (readKey(cacheKey)?.share ?? null)
    const about = { job: id, tenant, user, ended, mode: cacheMode(job), wall, key: cacheKey }
    const why = cacheOff ?? whyMissed(job, verdict)
    logger.info({ ...about, verdict, ...(why && { why }) }, wordsOf(verdict, job))
  }
}

type Verdict = 'hit' | 'stale' | 'joined' | 'miss' | 'off'

function verdictOf({ cacheKey }: CompletionJob, ended: Outcome, isStale: boolean): Verdict {
  if (ended === 'cached') return isStale ? 'stale' : 'hit'
  if (ended === 'joined') return 'joined'
  return cacheKey === null ? 'off' : 'miss'
}

/** A mode that does not look finds nothing; the others looked. */
function whyMissed(job: CompletionJob, verdict: Verdict): string | null {
  if (verdict !== 'miss') return null
  const mode = cacheMode(job)
  return mode === 'write' || mode === 'refresh' ? mode : 'not-kept'
}

function wordsOf(verdict: Verdict, { cacheOff }: CompletionJob): string {
  switch (verdict) {
    case 'hit':
      return 'cache hit: an equal request was answered before'
    case 'stale':
      return 'cache stale: an equal request was answered before, and that answer still serves'
    case 'joined':
      return 'cache joined: an equal request was being asked, and its answer serves both'
    case 'miss':
      return 'cache miss: nothing that may be served was kept'
    case 'off':
      return `cache off: not cached, because ${cacheOff ? OFF_WORDS[cacheOff] : 'an older version handed it in'}`
  }
}
