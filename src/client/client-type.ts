import type { StreamPart } from '../queue/streams/log-entry.ts'
import type { Answer } from './answer.ts'
import type { Quota } from './quota.ts'
import type { Quote } from './quote.ts'
import type { AnswerStream } from './stream.ts'
import type {
  CancelledJob,
  EnqueuedJob,
  Identity,
  Request,
  ResponseTo,
  RunOptions,
  StreamRequest,
} from './types.ts'
import type { Watching } from './watching.ts'

/** Governed AI calls. Every method rejects with a `BursarError`: its `code` says what happened, its message what to do. */
export interface Client {
  /** Runs a request and waits for the answer. */
  run<const R extends Request>(request: R, options?: RunOptions): Promise<Answer<ResponseTo<R>>>
  /** Hands a request in and returns; ask `result(jobId)` for the answer, from any process. */
  enqueue(request: Request): Promise<EnqueuedJob>
  /** Waits for the answer of a job that was handed in; it is kept for RESULT_TTL_MS after its end. */
  result(jobId: string, options?: Pick<RunOptions, 'timeoutMs'>): Promise<Answer>
  /** Runs a request and yields its answer piece by piece. Starts at once. */
  stream<const R extends StreamRequest>(
    request: R,
    options?: RunOptions,
  ): AnswerStream<ResponseTo<R>>
  cancel(jobId: string): Promise<CancelledJob>
  /** What the budgets and request limits of somebody still allow. Takes nothing. */
  quota(who: Identity): Promise<Quota>
  /** Which model would answer now, and what that costs at least and at most. Takes nothing. */
  quote(request: Request): Promise<Quote>
  /** Ends connections and waits. Not needed to let a script end: idle connections do not keep it alive. */
  close(): Promise<void>
}

/** A client that is no caller of a gateway but stands behind it, and knows what a gateway tells in headers. */
export interface WatchedClient extends Client {
  run<const R extends Request>(
    request: R,
    options?: RunOptions & Watching,
  ): Promise<Answer<ResponseTo<R>>>
  enqueue(request: Request, options?: Watching): Promise<EnqueuedJob>
  stream<const R extends StreamRequest>(
    request: R,
    options?: RunOptions & Watching,
  ): AnswerStream<ResponseTo<R>>
  /**
   * Follows a job that was handed in, by whomever: its pieces from the first on, none where it is not streamed.
   * @param options.signal - aborted when nobody follows any more.
   */
  follow(jobId: string, options: FollowOptions): FollowedJob
}

export interface FollowOptions {
  /** How long, ms; the job goes on after it. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** A job as it goes on. */
export interface FollowedJob {
  readonly final: Promise<Answer>
  /** Ends when the job has. */
  readonly parts: AsyncGenerator<StreamPart, void>
}

/** A client that goes to the slot and its queue by itself. */
export interface OwnClient extends WatchedClient {
  /** Connects and learns the policy, so that an outage finds it prepared. @throws {BursarError} as `quota`. */
  prepare(): Promise<void>
}
