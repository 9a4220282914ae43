import { BursarError } from '../../errors.ts'
import type { RateLimit } from '../../queue/receipt.ts'
import type { Answer } from '../answer.ts'
import type { HttpReply } from './transport.ts'

/** What the headers of a reply say of limits. */
export interface ToldLimits {
  /** The tightest limit of requests; null = none applies. */
  readonly rateLimit: RateLimit | null
  /** When to come back, ms from now; null = nobody says. */
  readonly retryAfterMs: number | null
}

export function readLimits({ header }: Pick<HttpReply, 'header'>, nowMs: number): ToldLimits {
  const limit = countIn(header('x-ratelimit-limit'))
  const remaining = countIn(header('x-ratelimit-remaining'))
  const resetS = countIn(header('x-ratelimit-reset'))
  const known = limit !== null && remaining !== null && resetS !== null && resetS <= LAST_S
  return {
    rateLimit: known
      ? { limit, remaining, resetsAt: new Date(resetS * 1_000).toISOString() }
      : null,
    retryAfterMs: waitIn(header('retry-after'), nowMs),
  }
}

/** The answer with what was told when its request was handed in. */
export const withRateLimit = (answer: Answer, rateLimit: RateLimit | null): Answer =>
  rateLimit === null ? answer : { ...answer, receipt: { ...answer.receipt, rateLimit } }

/** The error with what its reply told besides; what it says itself counts. */
export function withLimits(
  error: BursarError,
  { rateLimit, retryAfterMs }: ToldLimits,
): BursarError {
  const told = {
    ...(rateLimit !== null && { rateLimit }),
    ...(retryAfterMs !== null && { retryAfterMs }),
  }
  if (Object.keys(told).length === 0) return error
  const { code, message, retryable, cause } = error
  const detail = { ...told, ...error.detail }
  return new BursarError(code, message, {
    retryable,
    detail,
    ...(cause !== undefined && { cause }),
  })
}

/** Dates end here. */
const LAST_S = 8.64e12

const countIn = (text: string | null): number | null =>
  text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null

/** Seconds, or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function waitIn(text: string | null, nowMs: number): number | null {
  const seconds = countIn(text)
  if (seconds !== null) return seconds * 1_000
  const atMs = Date.parse(text ?? '')
  return Number.isNaN(atMs) ? null : Math.max(atMs - nowMs, 0)
}
