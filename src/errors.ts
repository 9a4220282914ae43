/** Stable codes: handlers branch on these, never on a message. */
export type ErrorCode =
  | 'INVALID_OPTIONS'
  | 'INVALID_POLICY'
  | 'INVALID_MONEY'
  | 'INVALID_REQUEST'
  | 'REQUEST_TOO_LARGE'
  | 'IDEMPOTENCY_CONFLICT'
  | 'UNKNOWN_MODEL'
  | 'UNKNOWN_TIER'
  | 'BUDGET_EXHAUSTED'
  | 'CACHE_MISS'
  | 'RATE_LIMITED'
  | 'DEADLINE_PASSED'
  | 'CANCELLED'
  | 'PROVIDER_ERROR'
  | 'PROVIDER_BUSY'
  | 'PROVIDER_OUTCOME_UNKNOWN'
  | 'ATTEMPTS_EXHAUSTED'
  | 'RESULT_EXPIRED'
  | 'QUEUE_LOST'
  | 'WAIT_TIMEOUT'
  | 'HOLD_CONSUMED'
  | 'UNREADABLE_REPLY'
  | 'STORE_UNAVAILABLE'
  | 'SLOT_CLOSED'
  | 'REDIS_UNSUITABLE'
  | 'LEDGER_UNAVAILABLE'
  | 'LEDGER_NOT_MIGRATED'
  | 'LEDGER_CONFLICT'
  | 'DATA_FOLDER_IN_USE'
  | 'DATA_FOLDER_UNREADABLE'
  | 'DATA_FOLDER_MOVED'
  | 'TARGET_NOT_EMPTY'
  | 'MOVE_DIFFERS'
  | 'MOVE_STOPPED'
  | 'POLICY_MISSING'
  | 'POLICY_CHANGED'
  | 'INVALID_TRACE'
  | 'INVALID_FILE'
  | 'INVALID_ARGUMENT'
  | 'INVALID_API_KEY'
  | 'INVALID_SIGNATURE'
  | 'ACCESS_DENIED'
  | 'UNKNOWN_KEY'
  | 'UNKNOWN_BUDGET'
  | 'UNKNOWN_CREDIT'
  | 'PRICES_IN_USE'
  | 'UNKNOWN_ALERT'
  | 'UNKNOWN_JOB'
  | 'UNKNOWN_ATTEMPT'
  | 'ATTEMPT_SETTLED'
  | 'UNKNOWN_ROUTE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'GATEWAY_UNAVAILABLE'
  | 'FETCH_FAILED'
  | 'UNEXPECTED'

/** Plain JSON that a handler or a person may need; never a prompt, an answer or a key. */
export type ErrorDetail = Readonly<Record<string, unknown>>

/**
 * Every error thrown on purpose. Anything else that reaches a boundary is a bug.
 * The message says what happened and what to do about it.
 */
export class BursarError extends Error {
  readonly code: ErrorCode
  /** True when the same call may succeed later, unchanged. */
  readonly retryable: boolean
  readonly detail: ErrorDetail

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { retryable?: boolean; detail?: ErrorDetail } = {},
  ) {
    super(message, options)
    this.name = 'BursarError'
    this.code = code
    this.retryable = options.retryable ?? false
    this.detail = options.detail ?? {}
  }
}

export const isBursarError = (error: unknown, code?: ErrorCode): error is BursarError =>
  error instanceof BursarError && (code === undefined || error.code === code)

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
