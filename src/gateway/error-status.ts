import type { ErrorCode } from '../errors.ts'

/** How an error is told over HTTP. */
export interface ErrorStatus {
  readonly status: number
  /** In the words of OpenAI's API, which SDKs already sort errors by. */
  readonly type:
    | 'invalid_request_error'
    | 'not_found_error'
    | 'insufficient_quota'
    | 'rate_limit_error'
    | 'server_error'
}

const wrong = (status: number): ErrorStatus => ({ status, type: 'invalid_request_error' })
const missing: ErrorStatus = { status: 404, type: 'not_found_error' }
const broken = (status: number): ErrorStatus => ({ status, type: 'server_error' })

/** Every code has its status; one without does not compile. */
export const ERROR_STATUS = {
  // What an operator wrote, not the caller.
  INVALID_OPTIONS: broken(500),
  INVALID_POLICY: broken(500),
  INVALID_MONEY: wrong(400),
  INVALID_REQUEST: wrong(400),
  REQUEST_TOO_LARGE: wrong(413),
  IDEMPOTENCY_CONFLICT: wrong(409),
  UNKNOWN_MODEL: missing,
  UNKNOWN_TIER: wrong(400),
  BUDGET_EXHAUSTED: { status: 429, type: 'insufficient_quota' },
  RATE_LIMITED: { status: 429, type: 'rate_limit_error' },
  // RFC 9111, 5.2.1.7: only-if-cached, and it is not.
  CACHE_MISS: broken(504),
  DEADLINE_PASSED: broken(504),
  CANCELLED: wrong(409),
  PROVIDER_ERROR: broken(502),
  PROVIDER_BUSY: broken(503),
  PROVIDER_OUTCOME_UNKNOWN: broken(502),
  ATTEMPTS_EXHAUSTED: broken(502),
  RESULT_EXPIRED: missing,
  QUEUE_LOST: broken(503),
  WAIT_TIMEOUT: broken(504),
  HOLD_CONSUMED: broken(500),
  UNREADABLE_REPLY: broken(500),
  STORE_UNAVAILABLE: broken(503),
  SLOT_CLOSED: broken(503),
  REDIS_UNSUITABLE: broken(503),
  LEDGER_UNAVAILABLE: broken(503),
  LEDGER_NOT_MIGRATED: broken(503),
  LEDGER_CONFLICT: broken(500),
  POLICY_MISSING: broken(503),
  POLICY_CHANGED: wrong(409),
  INVALID_TRACE: wrong(400),
  INVALID_FILE: wrong(400),
  INVALID_ARGUMENT: wrong(400),
  DATA_FOLDER_IN_USE: broken(500),
  DATA_FOLDER_UNREADABLE: broken(500),
  DATA_FOLDER_MOVED: broken(500),
  TARGET_NOT_EMPTY: broken(500),
  MOVE_DIFFERS: broken(500),
  MOVE_STOPPED: broken(503),
  INVALID_API_KEY: wrong(401),
  INVALID_SIGNATURE: wrong(401),
  ACCESS_DENIED: wrong(403),
  UNKNOWN_KEY: missing,
  UNKNOWN_BUDGET: missing,
  UNKNOWN_CREDIT: missing,
  UNKNOWN_ALERT: missing,
  UNKNOWN_JOB: missing,
  UNKNOWN_ATTEMPT: missing,
  ATTEMPT_SETTLED: wrong(409),
  PRICES_IN_USE: wrong(409),
  UNKNOWN_ROUTE: missing,
  UNSUPPORTED_MEDIA_TYPE: wrong(415),
  GATEWAY_UNAVAILABLE: broken(503),
  FETCH_FAILED: broken(502),
  UNEXPECTED: broken(500),
} as const satisfies Record<ErrorCode, ErrorStatus>
