import { z } from 'zod'
import type { Outcome } from '../admission/outbox.ts'
import { readStoredResult, type WindowsLeft } from '../admission/result.ts'
import { BursarError, type ErrorCode, type ErrorDetail } from '../errors.ts'
import type { Nano } from '../money/nano.ts'
import { type Receipt, type ReceiptRecord, ReceiptRecordSchema, receiptOf } from './receipt.ts'

/** The provider's final JSON, unknown fields kept. */
export type ResponseJson = Readonly<Record<string, unknown>>

/** How a request ended well. */
export interface Answered {
  readonly outcome: 'answered' | 'cached' | 'joined'
  readonly response: ResponseJson
  readonly receipt: Receipt
}

/** How a request ended otherwise: what the caller's promise rejects with. */
export interface Denied {
  readonly code: ErrorCode
  readonly message: string
  readonly retryable: boolean
  readonly detail: ErrorDetail
}

const isRecord = (value: unknown): value is ResponseJson => typeof value === 'object' && !!value
const json = z.custom<ResponseJson>(isRecord)

const CacheEntrySchema = z.object({ model: z.string(), provider: z.string(), response: json })

/** An answer as it is kept. */
export type CacheEntry = z.infer<typeof CacheEntrySchema>

const ResultSchema = z.union([
  z.object({ outcome: z.literal('answered'), receipt: ReceiptRecordSchema, response: json }),
  z.object({
    outcome: z.enum(['cached', 'joined']),
    receipt: ReceiptRecordSchema,
    entry: CacheEntrySchema,
  }),
  z.object({
    outcome: z.enum(['refused', 'expired', 'cancelled', 'failed']),
    error: z.object({
      code: z.custom<ErrorCode>((code) => typeof code === 'string'),
      message: z.string(),
      retryable: z.boolean(),
      detail: z.record(z.string(), z.unknown()),
    }),
  }),
])

/** @param response - JSON text, written once and used for result and cache alike. */
export const writeAnswered = (receipt: ReceiptRecord, response: string): string =>
  `{"outcome":"answered","receipt":${JSON.stringify(receipt)},"response":${response}}`

export const writeCacheEntry = (model: string, provider: string, response: string): string =>
  `{"model":${JSON.stringify(model)},"provider":${JSON.stringify(provider)},"response":${response}}`

/** @param entry - what `writeCacheEntry` wrote, never parsed on the way. */
export const writeCached = (
  outcome: 'cached' | 'joined',
  receipt: ReceiptRecord,
  entry: string,
): string => `{"outcome":"${outcome}","receipt":${JSON.stringify(receipt)},"entry":${entry}}`

export const writeDenied = (
  outcome: Exclude<Outcome, 'answered' | 'cached' | 'joined'>,
  error: Denied,
): string => JSON.stringify({ outcome, error })

/**
 * Reads what the slot stored.
 * @throws {BursarError} the error the request ended with, or UNREADABLE_REPLY when the text is none of ours.
 */
export function readResult(stored: string): Answered {
  const { body, ...left } = readStoredResult(stored)
  const result = ResultSchema.safeParse(parseJson(body)).data
  if (!result) throw unreadable()
  if ('error' in result) {
    const { code, message, retryable, detail } = result.error
    throw new BursarError(code, message, { retryable, detail })
  }
  if (result.outcome === 'answered') {
    const { outcome, response, receipt } = result
    return { outcome, response, receipt: receiptWith(receipt, left) }
  }
  return answeredFromCache(result.entry, result.receipt, left)
}

/** What a kept answer is to whoever is served it. */
export function readCacheHit(
  entry: CacheEntry,
  receipt: ReceiptRecord,
  leftNano: readonly Nano[],
): Answered {
  return answeredFromCache(entry, receipt, { leftNano, creditNano: [] })
}

/** @returns undefined when the text is none. */
export const readCacheEntry = (text: string): CacheEntry | undefined =>
  CacheEntrySchema.safeParse(parseJson(text)).data

export const isCacheEntry = (text: string): boolean => readCacheEntry(text) !== undefined

/** The visible text of an answer; '' when there is none (tool calls, embeddings). */
export function textOf(response: ResponseJson): string {
  const { choices, output, output_text: outputText } = response
  if (typeof outputText === 'string') return outputText
  const parts = Array.isArray(choices)
    ? choices.slice(0, 1).map((choice: unknown) => field(field(choice, 'message'), 'content'))
    : Array.isArray(output)
      ? output.flatMap((item: unknown) => textParts(field(item, 'content')))
      : []
  return parts.filter((part) => typeof part === 'string').join('')
}

const textParts = (content: unknown): unknown[] =>
  Array.isArray(content) ? content.map((part: unknown) => field(part, 'text')) : []

const field = (value: unknown, name: string): unknown => (isRecord(value) ? value[name] : undefined)

/** What was granted on top of a limit since the plan was made counts in the receipt, too. */
function receiptWith(record: ReceiptRecord, { leftNano, creditNano }: WindowsLeft): Receipt {
  if (!creditNano.some((credit) => credit > 0)) return receiptOf(record, leftNano)
  const windows = record.windows.map((window, at) => ({
    ...window,
    limitNano: window.limitNano + (creditNano[at] ?? 0),
  }))
  return receiptOf({ ...record, windows }, leftNano)
}

function answeredFromCache(
  { model, provider, response }: z.infer<typeof CacheEntrySchema>,
  record: ReceiptRecord,
  left: WindowsLeft,
): Answered {
  const receipt = receiptWith({ ...record, modelServed: model, provider }, left)
  return { outcome: receipt.cache === 'joined' ? 'joined' : 'cached', response, receipt }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const unreadable = (): BursarError =>
  new BursarError(
    'UNREADABLE_REPLY',
    'the stored result is none that this version can read; run client and worker of one version',
  )
