import type { Hold } from '../admission/hold.ts'
import type { Operation } from '../config/operations.ts'
import type { ReasoningEffort, ServiceTier } from '../config/policy-types.ts'
import type { Usage } from '../pricing/types.ts'

/** A JSON object as an OpenAI client would send it; unknown fields pass through. */
export type RequestBody = Readonly<Record<string, unknown>>

/** One call as the rung and the hold decided it. */
export interface ProviderRequest {
  readonly operation: Operation
  readonly provider: string
  readonly model: string
  readonly body: RequestBody
  /** Sent as `max_completion_tokens` or `max_output_tokens`; null for embeddings. The hold paid for exactly this cap. */
  readonly outputCapTokens: number | null
  readonly reasoningEffort: ReasoningEffort | null
  readonly serviceTier: ServiceTier | null
  readonly stream: boolean
}

/** What a provider said instead of an answer, in its own words; of a field that it left out, null. */
export interface UpstreamError {
  readonly message: string
  readonly type: string | null
  readonly param: string | null
  readonly code: string | null
}

/** What was seen of the call; decides what is settled (PROTOCOL 3.4). */
export type CallOutcome =
  | {
      readonly seen: 'answer'
      /** The provider's final JSON (for streams: the assembled equivalent), unknown fields kept. */
      readonly response: Readonly<Record<string, unknown>>
      /** The same as text, written once. */
      readonly json: string
      /** Visible text of the answer, '' when there is none (tools, embeddings). */
      readonly text: string
      readonly usage: Usage
      readonly servedModel: string
      readonly serviceTier: ServiceTier
      readonly providerRequestId: string | null
    }
  | {
      /** A full error response of a kind that the provider's profile never bills. */
      readonly seen: 'unbilled-error'
      readonly status: number
      readonly code: string | null
      readonly message: string
      /** How long all workers leave this provider and model alone, ms; null when it did not say. 429 and 503 only. */
      readonly retryAfterMs: number | null
      /** Whether the same call may succeed later (429, 5xx, 408, 409). */
      readonly retryable: boolean
      readonly upstream: UpstreamError
    }
  | {
      /** We aborted a stream and the profile says that an abort ends the bill: booked as estimated. */
      readonly seen: 'aborted'
      readonly text: string
      readonly streamedOutputTokens: number
    }
  | {
      /**
       * Timeout, reset, cut stream, missing usage, an abort that does not end the bill: the whole hold is booked.
       * Unless `hold.sent` is still false: then not a byte left this process, and the hold is released.
       */
      readonly seen: 'unknown'
      readonly reason:
        | 'timeout'
        | 'connection'
        | 'cut-stream'
        | 'missing-usage'
        | 'aborted'
        | 'error-response'
      readonly status: number | null
      readonly message: string
      /** Output tokens seen before the end, as a note beside the booking. */
      readonly streamedOutputTokens: number
      readonly retryable: boolean
      /** Absent = the provider said nothing, or not what went wrong. */
      readonly upstream?: UpstreamError
    }

export interface StreamChunk {
  /** Provider's own chunk JSON (chat.completion.chunk or a responses event), untouched. */
  readonly data: Readonly<Record<string, unknown>>
  /** Visible text in it, '' when none. */
  readonly text: string
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Called in order for each chunk of a stream; must not throw. */
  readonly onChunk?: (chunk: StreamChunk) => void
}

export interface Provider {
  /** Never rejects for anything the provider or the network does: every end is an outcome. */
  call(hold: Hold, request: ProviderRequest, options?: CallOptions): Promise<CallOutcome>
  close(): Promise<void>
}
