import { readOptions } from '../config/options.ts'
import { cancelJob } from '../queue/cancel.ts'
import { type Clock, realClock } from '../queue/clock.ts'
import { readResult } from '../queue/result-body.ts'
import { createSharedRules } from '../queue/rules.ts'
import { type Answer, readAnswer } from './answer.ts'
import { createLink } from './link.ts'
import { type Quota, quota } from './quota.ts'
import { type Quote, quote } from './quote.ts'
import { type AnswerStream, openStream } from './stream.ts'
import { handIn, type Submission, submit } from './submit.ts'
import type {
  CancelledJob,
  EnqueuedJob,
  Identity,
  Request,
  ResponseTo,
  RunOptions,
  StreamRequest,
} from './types.ts'

export interface ClientOptions {
  /** Absent = the environment's REDIS_URL. */
  readonly redisUrl?: string
  /** Absent = BURSAR_PREFIX, `{bursar}`. */
  readonly prefix?: string
  /** Absent = BURSAR_QUEUE_PREFIX, `{bursar-queue}`. */
  readonly queuePrefix?: string
  /** Virtual time, for replays and simulations. */
  readonly clock?: Clock
}

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

const DEFAULT_TIMEOUT_MS = 600_000
const CANCEL_RESULT_TTL_MS = 3_600_000

/**
 * Creates a client. The environment is read now; nothing is connected before the first call.
 * @throws {BursarError} INVALID_OPTIONS when REDIS_URL is missing or an option is wrong.
 */
export function createClient(options: ClientOptions = {}): Client {
  const { clock = realClock } = options
  const settings = readOptions({
    ...process.env,
    ...(options.redisUrl && { REDIS_URL: options.redisUrl }),
    ...(options.prefix && { BURSAR_PREFIX: options.prefix }),
    ...(options.queuePrefix && { BURSAR_QUEUE_PREFIX: options.queuePrefix }),
  })
  const link = createLink(settings, clock)
  const rules = createSharedRules(() => link.use(async ({ shelf }) => shelf))
  const submission: Submission = { link, rules, clock }

  const cancel = (jobId: string): Promise<CancelledJob> =>
    link.use(async ({ store, queues }) => {
      const status = await cancelJob(jobId, store, queues(), CANCEL_RESULT_TTL_MS)
      return { jobId, status: typeof status === 'string' ? status : 'ended' }
    })

  const wanted = (stream: boolean, { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: RunOptions) => ({
    stream,
    signal,
    timeoutMs,
    cancel,
  })

  return {
    run: (request, options = {}) =>
      link.use(async (parts) => {
        const { answered } = await submit(parts, submission, request, wanted(false, options))
        return readAnswer(await answered)
      }),
    enqueue: (request) => handIn(submission, request),
    result: (jobId, { timeoutMs = DEFAULT_TIMEOUT_MS } = {}) =>
      link.use(async ({ store, results }) => {
        const expected = results.expect(jobId, timeoutMs)
        const known = await store.result(jobId)
        if (known !== null) expected.forget()
        return readAnswer(readResult(known ?? (await expected.result)))
      }),
    stream: (request, options = {}) =>
      openStream(link, (parts) => submit(parts, submission, request, wanted(true, options))),
    cancel,
    quota: (who) => quota(submission, who),
    quote: (request) => quote(submission, request),
    close: () => link.close(),
  }
}
