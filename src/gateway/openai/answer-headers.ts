import type { LimitReport } from '../../queue/limit-words.ts'
import type { Receipt } from '../../queue/receipt.ts'
import { verdictHeader } from '../cache-headers.ts'
import { limitHeaders } from '../limit-headers.ts'
import { openAiLimitHeaders } from './limit-headers.ts'

type Headers = Readonly<Record<string, string>>

/** What is known of a request from the moment it is handed in. */
export interface Known {
  readonly model: string
  /** '' = it was refused before it had one. */
  jobId: string
  limits: readonly LimitReport[]
}

/** Headers of every answer, an error too. */
export function knownHeaders({ model, jobId, limits }: Known, nowMs: number): Headers {
  return {
    'x-bursar-model-requested': headerText(model),
    ...(jobId !== '' && { 'x-bursar-job': jobId }),
    ...(limits.length > 0 && {
      ...limitHeaders(limits, nowMs),
      ...openAiLimitHeaders(limits, nowMs),
    }),
  }
}

/** What a request came to. USD are decimal, e.g. `0.000125`. */
export const receiptHeaders = (receipt: Receipt): Headers => ({
  'x-bursar-cost-usd': receipt.costUsd,
  ...verdictHeader(receipt),
  'x-bursar-model-served': headerText(receipt.modelServed),
  ...(receipt.left !== null && { 'x-bursar-budget-remaining': receipt.left }),
})

const LONGEST = 256

/** A model's name is anybody's text; a header is not. @see https://www.rfc-editor.org/rfc/rfc9110#section-5.5 */
export const headerText = (text: string): string =>
  text.replace(/[^\x21-\x7e]/g, '?').slice(0, LONGEST)
