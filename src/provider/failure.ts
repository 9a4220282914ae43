import { APIConnectionTimeoutError, APIError } from 'openai'
import { z } from 'zod'
import type { ProviderPolicy } from '../config/policy-types.ts'
import { messageOf } from '../errors.ts'
import { type Seen, unknownOutcome } from './answer.ts'
import type { Send } from './transport.ts'
import type { CallOutcome } from './types.ts'

const MAX_WAIT_MS = 3_600_000
const MAX_MESSAGE_CHARS = 500

/**
 * How long a provider asks to be left alone, ms, at most an hour: `retry-after-ms`, else `retry-after` as seconds or date.
 * @returns null when it does not say, or says nothing readable.
 * @see RFC 9110 section 10.2.3
 */
export function readRetryAfter(
  headers: { get(name: string): string | null },
  nowMs: number,
): number | null {
  const ms = amount(headers.get('retry-after-ms'))
  if (ms !== null) return bounded(ms)
  const text = headers.get('retry-after')
  const seconds = amount(text)
  if (seconds !== null) return bounded(seconds * 1000)
  const at = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? null : bounded(at - nowMs)
}

function amount(text: string | null): number | null {
  if (text === null || text.trim() === '') return null
  const value = Number(text)
  return Number.isFinite(value) && value >= 0 ? value : null
}

const bounded = (ms: number): number => Math.min(MAX_WAIT_MS, Math.max(0, Math.ceil(ms)))

/** Other providers write numbers where OpenAI writes words. */
const word = z
  .union([z.string(), z.number().transform(String)])
  .nullish()
  .transform((text) => text?.slice(0, MAX_MESSAGE_CHARS) ?? null)
  .catch(null)
const ErrorBody = z.object({
  message: z.string().nullish().catch(null),
  type: word,
  param: word,
  code: word,
})
const NOTHING_SAID = { message: null, type: null, param: null, code: null }

/** 408 and 409 are locks and timeouts on their side. */
const isPassing = (status: number): boolean =>
  status === 408 || status === 409 || status === 429 || status >= 500

const mayWait = (status: number): boolean => status === 429 || status === 503

/** No waiting helps an empty account. */
const NO_MONEY = 'insufficient_quota'

/** Turns whatever ended a call before a complete answer into what is settled (PROTOCOL 3.4). */
export function failureOutcome(
  error: unknown,
  send: Send,
  seen: Seen,
  call: { profile: ProviderPolicy['profile']; stream: boolean },
): CallOutcome {
  const message = reasonOf(error).slice(0, MAX_MESSAGE_CHARS)
  const { status } = send
  if (send.stopped === 'aborted') return abortOutcome(send, seen, call)
  if (send.stopped === 'timeout' || error instanceof APIConnectionTimeoutError)
    return unknownOutcome('timeout', 'the provider took longer than timeout_ms', { status, seen })
  if (error instanceof APIError && error.status !== undefined)
    return errorResponseOutcome(error, error.status, call.profile)
  if (status === null) return unknownOutcome('connection', message, { seen })
  // An error inside a stream: part of the answer was made, and perhaps billed.
  if (error instanceof APIError && error.error !== undefined)
    return unknownOutcome('error-response', message, { status, seen })
  if (send.body.ended)
    return unknownOutcome('missing-usage', 'the answer cannot be read as JSON', { status, seen })
  return unknownOutcome('cut-stream', 'the connection broke inside the answer', { status, seen })
}

/** The SDK says "Connection error." and keeps the reason as the cause. */
const reasonOf = (error: unknown): string =>
  messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error)

function abortOutcome(
  send: Send,
  seen: Seen,
  call: { profile: ProviderPolicy['profile']; stream: boolean },
): CallOutcome {
  if (call.stream && call.profile.abortEndsBill && send.hold.sent)
    return { seen: 'aborted', text: seen.text, streamedOutputTokens: seen.outputTokens }
  const { status } = send
  return unknownOutcome('aborted', 'the caller left', { status, seen, retryable: false })
}

function errorResponseOutcome(
  error: APIError,
  status: number,
  profile: ProviderPolicy['profile'],
): CallOutcome {
  const body = ErrorBody.safeParse(error.error).data ?? NOTHING_SAID
  const code = body.code ?? body.type
  const isBroke = code === NO_MONEY || body.type === NO_MONEY
  const retryable = isPassing(status) && !isBroke
  const message = error.message.slice(0, MAX_MESSAGE_CHARS)
  const said = (body.message ?? error.message).slice(0, MAX_MESSAGE_CHARS)
  const upstream = { ...body, message: said }
  if (!profile.unbilledStatus.includes(status))
    return unknownOutcome('error-response', message, { status, retryable, upstream })
  const retryAfterMs =
    mayWait(status) && error.headers ? readRetryAfter(error.headers, Date.now()) : null
  return { seen: 'unbilled-error', status, code, message, retryAfterMs, retryable, upstream }
}
