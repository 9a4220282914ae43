import type {
  ChatCompletion,
  ChatCompletionCreateParamsBase,
} from 'openai/resources/chat/completions'
import type { CreateEmbeddingResponse, EmbeddingCreateParams } from 'openai/resources/embeddings'
import type { Response, ResponseCreateParamsBase } from 'openai/resources/responses/responses'
import type { Urgency } from '../admission/outbox.ts'
import type { CacheOption } from '../cache/asked.ts'

/** Who pays. */
export interface Identity {
  /** Whose budget pays. */
  readonly user: string
  /** Absent = the policy's default tenant. */
  readonly tenant?: string
  /** Absent = the user's tier in the policy, else the default one. */
  readonly tier?: string
  /** e.g. `{ feature: 'tutor' }`; budgets and reports may go by them. */
  readonly tags?: Readonly<Record<string, string>>
  /** Names of your own; budgets and limits may go by them, e.g. what one run of an agent may cost. */
  readonly session?: string
  readonly run?: string
  /** What it is for, e.g. `generation`; limits may be about one kind of request. */
  readonly resource?: string
  /** Whose address it came from, where that is known: limits may go by it. A gateway finds it out by itself. */
  readonly ip?: string
}

/** What Bursar reads of a request; every other field goes to the provider as it is. */
export interface Governed extends Identity {
  /** `auto` = the best model that the budgets still allow, or a model's name. */
  readonly model: string
  /** Absent = `interactive`. `deferrable` and `batch` work may wait for budget. */
  readonly urgency?: Urgency
  /** Past it the request ends unserved: milliseconds from now, or a point in time (Date or ISO 8601). */
  readonly deadline?: number | Date | string
  /** Never serve a cheaper model instead. */
  readonly pinned?: boolean
  /** What to do with the cache of answers; false = nothing. Absent = as the policy says. */
  readonly cache?: CacheOption
  /** The answer is this user's alone, whatever the policy shares. */
  readonly private?: boolean
  /** Makes handing it in again harmless: 8 to 64 letters, digits, `-` or `_`. */
  readonly jobId?: string
}

type Taken = 'user' | 'model' | 'stream' | 'stream_options'

export interface ChatRequest extends Governed, Omit<ChatCompletionCreateParamsBase, Taken> {
  readonly operation?: 'chat.completions'
}
export interface ResponsesRequest extends Governed, Omit<ResponseCreateParamsBase, Taken> {
  readonly operation: 'responses'
}
export interface EmbeddingsRequest extends Governed, Omit<EmbeddingCreateParams, Taken> {
  /** Needed unless the model's name says so. */
  readonly operation?: 'embeddings'
  readonly messages?: never
}
export type Request = ChatRequest | ResponsesRequest | EmbeddingsRequest
export type StreamRequest = ChatRequest | ResponsesRequest

/** The provider's answer to a request. */
export type ResponseTo<R> = R extends { readonly operation: 'responses' }
  ? Response
  : R extends { readonly messages: ChatCompletionCreateParamsBase['messages'] }
    ? ChatCompletion
    : CreateEmbeddingResponse

export interface RunOptions {
  /** Aborting cancels the request: nobody waits for it any more. */
  readonly signal?: AbortSignal
  /** How long to wait, ms; the request goes on after it. 10 minutes when absent. */
  readonly timeoutMs?: number
}

export interface EnqueuedJob {
  readonly jobId: string
  /** `ended` = this job id was handed in before and has ended; `result(jobId)` has its answer. */
  readonly status: 'queued' | 'ended'
}

/** `cancelling` = a worker is calling; what that costs is booked. */
export interface CancelledJob {
  readonly jobId: string
  readonly status: 'cancelled' | 'cancelling' | 'ended'
}
