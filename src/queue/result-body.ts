import { z } from 'zod'
import type { Outcome } from '../admission/outbox.ts'
import { readStoredResult, type WindowsLeft } from '../admission/result.ts'
import {
  type CacheEntry,
  EntrySchema,
  parseJson,
  type ResponseJson,
  ResponseSchema,
  responseOf,
  textOf,
} from '../cache/responses/entry.ts'
import { BursarError, type ErrorCode, type ErrorDetail } from '../errors.ts'
import type { Nano } from '../money/nano.ts'
import { type Receipt, type ReceiptRecord, ReceiptRecordSchema, receiptOf } from './receipt.ts'

/** How a request ended well. */
export interface Answered {
  readonly outcome: 'answered' | 'cached' | 'joined'
  /** Visible text, '' when there is none (tool calls, embeddings). */
  readonly text: string
  /** The provider's final JSON. What was at hand is read when somebody looks at it. */
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

const ResultSchema = z.union([
  z.object({
    outcome: z.literal('answered'),
    receipt: ReceiptRecordSchema,
    response: ResponseSchema,
  }),
  z.object({
    outcome: z.enum(['cached', 'joined']),
    receipt: ReceiptRecordSchema,
    entry: EntrySchema,
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
    return { outcome, text: textOf(response), response, receipt: receiptWith(receipt, left) }
  }
  const { response, ...served } = result.entry
  const receipt = receiptWith(servedBy(result.receipt, served), left)
  return { outcome: outcomeOf(receipt), text: textOf(response), response, receipt }
}

/** What a kept answer is to whoever is served it: its JSON is read when they look at it. */
export class ServedAnswer implements Answered {
  readonly outcome: 'cached' | 'joined'
  readonly receipt: Receipt
  readonly #entry: CacheEntry
  #response: ResponseJson | null = null

  /** @param leftNano - what is left in each window of the record, same order. */
  constructor(entry: CacheEntry, record: ReceiptRecord, leftNano: readonly Nano[]) {
    this.receipt = receiptOf(servedBy(record, entry), leftNano)
    this.outcome = outcomeOf(this.receipt)
    this.#entry = entry
  }

  get text(): string {
    return this.#entry.text
  }

  get response(): ResponseJson {
    this.#response ??= responseOf(this.#entry)
    return this.#response
  }
}

/** What was granted on top of a limit since the plan was made counts in the receipt, too. */
function receiptWith(record: ReceiptRecord, { leftNano, creditNano }: WindowsLeft): Receipt {
  if (!creditNano.some((credit) => credit > 0)) return receiptOf(record, leftNano)
  const windows = record.windows.map((window, at) => ({
    ...window,
    limitNano: window.limitNano + (creditNano[at] ?? 0),
  }))
  return receiptOf({ ...record, windows }, leftNano)
}

const servedBy = (
  record: ReceiptRecord,
  { model, provider }: Pick<CacheEntry, 'model' | 'provider'>,
): ReceiptRecord => ({ ...record, modelServed: model, provider })

const outcomeOf = ({ cache }: Receipt): 'joined' | 'cached' =>
  cache === 'joined' ? 'joined' : 'cached'

const unreadable = (): BursarError =>
  new BursarError(
    'UNREADABLE_REPLY',
    'the stored result is none that this version can read; run client and worker of one version',
  )
