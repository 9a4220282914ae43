import { APICallError } from '@ai-sdk/provider'
import { BursarError, type ErrorCode } from '../../errors.ts'

/** As the gateway answers them over HTTP; what is not named is 500. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  INVALID_REQUEST: 400,
  INVALID_ARGUMENT: 400,
  UNKNOWN_TIER: 400,
  INVALID_API_KEY: 401,
  ACCESS_DENIED: 403,
  UNKNOWN_MODEL: 404,
  UNKNOWN_JOB: 404,
  RESULT_EXPIRED: 404,
  CANCELLED: 409,
  REQUEST_TOO_LARGE: 413,
  BUDGET_EXHAUSTED: 429,
  RATE_LIMITED: 429,
  PROVIDER_ERROR: 502,
  PROVIDER_OUTCOME_UNKNOWN: 502,
  ATTEMPTS_EXHAUSTED: 502,
  PROVIDER_BUSY: 503,
  STORE_UNAVAILABLE: 503,
  SLOT_CLOSED: 503,
  QUEUE_LOST: 503,
  GATEWAY_UNAVAILABLE: 503,
  CACHE_MISS: 504,
  DEADLINE_PASSED: 504,
  WAIT_TIMEOUT: 504,
}

/** These go on, or were paid for: the same call once more would be a second one. */
const ONCE: ReadonlySet<ErrorCode> = new Set(['WAIT_TIMEOUT', 'CANCELLED'])

/**
 * Names an error as the AI SDK knows errors. It tries again where `isRetryable` says so, after `retry-after-ms`. What an
 * `abortSignal` ended is told by its reason.
 */
export function apiError(
  thrown: unknown,
  url: string,
  request: unknown,
  signal: AbortSignal | undefined,
): unknown {
  if (!(thrown instanceof BursarError)) return thrown
  if (signal?.aborted) return signal.reason
  const { message, code, retryable, detail } = thrown
  const { retryAfterMs } = detail
  const error = { message, code, detail, retryable }
  return new APICallError({
    message,
    url,
    requestBodyValues: request,
    statusCode: STATUS[code] ?? 500,
    responseHeaders:
      typeof retryAfterMs === 'number' ? { 'retry-after-ms': String(retryAfterMs) } : {},
    responseBody: JSON.stringify({ error }),
    isRetryable: retryable && !ONCE.has(code),
    data: { error },
    cause: thrown,
  })
}
