import type { Receipt } from '../queue/receipt.ts'
import type { Answered } from '../queue/result-body.ts'

export interface Answer<R = unknown> {
  /** Visible text, '' when there is none (tool calls, embeddings). */
  readonly text: string
  /** The provider's final JSON, unknown fields kept. */
  readonly response: R
  readonly receipt: Receipt
}

/**
 * Reads an answer as what its request asks for. The provider's JSON is passed on untouched, as the `openai` package
 * does it: its shape is the provider's word, not checked here.
 */
export const readAnswer = <R>(answered: Answered): Answer<R> => ({
  text: answered.text,
  // What nobody looks at is not read.
  get response() {
    return answered.response as R
  },
  receipt: answered.receipt,
})
