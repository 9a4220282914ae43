import { BursarError, type ErrorCode } from '../../errors.ts'
import type { StreamPart } from '../../queue/streams/log-entry.ts'
import type { Answer } from '../answer.ts'
import type { Quota } from '../quota.ts'
import type { Quote } from '../quote.ts'
import type { CancelledJob, EnqueuedJob } from '../types.ts'

/** Replies are parsed by hand: this client brings nothing along. What is read is what a caller relies on. */
export type Json = Readonly<Record<string, unknown>>

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @returns undefined when the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @param what - the missing thing, for the message. */
export const unreadable = (what: string): BursarError =>
  new BursarError(
    'UNREADABLE_REPLY',
    `the gateway's reply has no ${what}: does BURSAR_URL lead to a Bursar gateway, of this client's version?`,
  )

function need<T>(value: unknown, is: (value: unknown) => value is T, what: string): T {
  if (is(value)) return value
  throw unreadable(what)
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value)
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value)
const isOneOf =
  <const T extends string>(...known: readonly T[]) =>
  (value: unknown): value is T =>
    known.some((one) => one === value)

/** A gateway of a newer version may have codes that this one has not; they are told as they are. */
const isErrorCode = (code: unknown): code is ErrorCode =>
  isText(code) && /^[A-Z][A-Z_]{2,63}$/.test(code)

/** A reply that tells an error. */
export interface ToldError {
  readonly error: BursarError
  /** The request has ended with it; otherwise the gateway could not look, and asking again may help. */
  readonly ended: boolean
}

/** @returns null when the reply tells no error in our shape. */
export function readError(reply: unknown, httpStatus: number): ToldError | null {
  if (!isJson(reply) || !isJson(reply.error)) return null
  const { code, message, retryable, detail } = reply.error
  if (!isText(message)) return null
  const ended = reply.status === 'ended'
  if (!isErrorCode(code)) {
    const told = `the gateway answered ${httpStatus}, ${String(code)}: ${message}`
    return { ended, error: new BursarError('UNREADABLE_REPLY', told, { detail: { code } }) }
  }
  const options = { retryable: retryable === true, detail: isJson(detail) ? detail : {} }
  return { ended, error: new BursarError(code, message, options) }
}

/** @returns the answer, or null while the request goes on. @throws {BursarError} UNREADABLE_REPLY. */
export function readJob(reply: unknown): Answer | null {
  const job = need(reply, isJson, 'job')
  return need(job.status, isOneOf('queued', 'ended'), 'status') === 'queued' ? null : answerIn(job)
}

function answerIn({ text, response, receipt }: Json): Answer {
  const checked = need(receipt, isJson, 'receipt')
  need(checked.jobId, isText, 'receipt.jobId')
  need(checked.costNano, isCount, 'receipt.costNano')
  need(checked.costUsd, isText, 'receipt.costUsd')
  need(checked.left, isTextOrNull, 'receipt.left')
  need(checked.budgets, isList, 'receipt.budgets')
  need(checked.modelServed, isText, 'receipt.modelServed')
  need(checked.why, isText, 'receipt.why')
  return {
    text: need(text, isText, 'text'),
    response: need(response, isJson, 'response'),
    receipt: checked as unknown as Answer['receipt'],
  }
}

/** @throws {BursarError} UNREADABLE_REPLY, here and below. */
export function readEnqueued(reply: unknown): EnqueuedJob {
  const { id, status } = need(reply, isJson, 'job')
  return {
    jobId: need(id, isText, 'id'),
    status: need(status, isOneOf('queued', 'ended'), 'status'),
  }
}

export function readCancelled(reply: unknown): CancelledJob {
  const { id, status } = need(reply, isJson, 'job')
  return {
    jobId: need(id, isText, 'id'),
    status: need(status, isOneOf('cancelled', 'cancelling', 'ended'), 'status'),
  }
}

export function readQuota(reply: unknown): Quota {
  const quota = need(reply, isJson, 'quota')
  need(quota.tier, isText, 'tier')
  need(quota.left, isTextOrNull, 'left')
  need(quota.budgets, isList, 'budgets')
  need(quota.limits, isList, 'limits')
  return quota as unknown as Quota
}

export function readQuote(reply: unknown): Quote {
  const quote = need(reply, isJson, 'quote')
  if (quote.served === true) {
    need(quote.model, isText, 'model')
    need(quote.mostUsd, isText, 'mostUsd')
    need(quote.leastUsd, isText, 'leastUsd')
  } else {
    need(quote.served, (served): served is false => served === false, 'served')
    need(quote.budget, isText, 'budget')
    need(quote.resumesAt, isTextOrNull, 'resumesAt')
  }
  return quote as unknown as Quote
}

export function readPart(data: unknown): StreamPart {
  const part = need(data, isJson, 'part')
  return {
    text: need(part.text, isText, 'text'),
    data: part.data === null ? null : need(part.data, isJson, 'data'),
    restart: part.restart === true,
  }
}
