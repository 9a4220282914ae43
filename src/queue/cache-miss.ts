import type { AdmissionStore } from '../admission/store.ts'
import { OFF_WORDS } from '../cache/off-words.ts'
import { BursarError } from '../errors.ts'
import { type CompletionJob, metaOf } from './job.ts'
import { writeDenied } from './result-body.ts'

const RESULT_TTL_MS = 3_600_000

/**
 * Ends a request that was to be served from the cache alone, and was not found there: no provider is asked.
 * @returns what its caller is told: CACHE_MISS, which asking again does not change.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export async function endAsMissed(
  job: CompletionJob,
  store: Pick<AdmissionStore, 'conclude'>,
): Promise<BursarError> {
  const error = cacheMiss(job)
  const { code, message, retryable, detail } = error
  await store.conclude({
    job: job.id,
    meta: JSON.stringify(metaOf(job)),
    outcome: 'refused',
    reason: code,
    result: writeDenied('refused', { code, message, retryable, detail }),
    replyTo: '',
    resultTtlMs: RESULT_TTL_MS,
  })
  return error
}

/** What the caller of a request that only the cache may answer is told. */
export function cacheMiss({ cacheOff }: CompletionJob): BursarError {
  const message = cacheOff
    ? `this request is never cached, because ${OFF_WORDS[cacheOff]}: send it with another cache mode than "only"`
    : 'no answer to this request is kept: send it with another cache mode than "only" to have it asked'
  return new BursarError('CACHE_MISS', message, { detail: cacheOff ? { why: cacheOff } : {} })
}

/** @throws {BursarError} INVALID_REQUEST: who hands a request in and leaves cannot be told at once. */
export const refuseLater = (): never => {
  throw new BursarError(
    'INVALID_REQUEST',
    'cache mode "only" is answered at once: call run() or stream(), or POST /v1/jobs?wait=30s',
  )
}
