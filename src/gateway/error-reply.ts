import { BursarError, type ErrorCode, type ErrorDetail, isBursarError } from '../errors.ts'
import { ERROR_STATUS } from './error-status.ts'
import { limitHeaders, refusingLimits } from './limit-headers.ts'

/** An error as JSON. */
export interface ErrorBody {
  readonly message: string
  readonly type: string
  readonly code: ErrorCode
  readonly detail: ErrorDetail
  readonly retryable: boolean
}

/** An error as an HTTP answer. */
export interface ErrorReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly error: ErrorBody }
}

/** @param nowMs - what `retry-after` counts from. */
export function errorReply(error: BursarError, nowMs: number): ErrorReply {
  const { code, message, detail, retryable } = error
  // A code that travelled through the slot may be of another version.
  const { status, type } = Object.hasOwn(ERROR_STATUS, code)
    ? ERROR_STATUS[code]
    : ERROR_STATUS.UNEXPECTED
  const seconds = retryAfterSeconds(detail, nowMs)
  return {
    status,
    headers: {
      // OpenAI's SDKs would send most of these again by their status alone.
      'x-should-retry': String(retryable),
      ...(seconds === null ? {} : { 'retry-after': String(seconds) }),
      ...(code === 'RATE_LIMITED' && limitHeaders(refusingLimits(detail), nowMs)),
    },
    body: { error: { message, type, code, detail, retryable } },
  }
}

/** Whole seconds, at least 1: what comes back early is refused again. null = nobody knows. */
function retryAfterSeconds({ retryAfterMs, resumesAt }: ErrorDetail, nowMs: number): number | null {
  const waitMs =
    typeof retryAfterMs === 'number'
      ? retryAfterMs
      : typeof resumesAt === 'string'
        ? Date.parse(resumesAt) - nowMs
        : Number.NaN
  return Number.isFinite(waitMs) ? Math.max(1, Math.ceil(waitMs / 1_000)) : null
}

/** What Fastify throws on its own, by its code; anything else is a bug. */
const FROM_FASTIFY: Readonly<Record<string, readonly [code: ErrorCode, message: string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'UNSUPPORTED_MEDIA_TYPE',
    'the body is no JSON: send it with content-type: application/json',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'INVALID_REQUEST',
    'the body is not as long as its content-length says: send it whole',
  ],
  FST_ERR_CTP_BODY_TOO_LARGE: ['REQUEST_TOO_LARGE', 'the body is larger than any policy allows'],
  FST_ERR_BAD_URL: ['INVALID_REQUEST', 'the address cannot be read: escape it as a URL'],
  FST_ERR_MAX_PARAM_LENGTH: ['INVALID_REQUEST', 'the address has a part that is too long'],
}

/** Names what was thrown. @param requestId - leads from the message to the log. */
export function nameError(thrown: unknown, requestId: string): BursarError {
  if (isBursarError(thrown)) return thrown
  const fastifyCode = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  const known = Object.hasOwn(FROM_FASTIFY, fastifyCode) ? FROM_FASTIFY[fastifyCode] : undefined
  if (known) return new BursarError(known[0], known[1], { cause: thrown })
  return new BursarError(
    'UNEXPECTED',
    `this is a bug of Bursar: report it with request id ${requestId}, under which the log has more`,
    { cause: thrown, detail: { requestId } },
  )
}
