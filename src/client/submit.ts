import type { AdmissionStore } from '../admission/store.ts'
import type { Policy } from '../config/policy-types.ts'
import { BursarError, isBursarError } from '../errors.ts'
import type { Clock } from '../queue/clock.ts'
import type { ExplainCache } from '../queue/explain-cache.ts'
import type { CompletionJob } from '../queue/job.ts'
import {
  type Enqueued,
  enqueueJob,
  type Prepare,
  prepareJob,
  type RunsHere,
} from '../queue/producer.ts'
import { cachedReceipt, receiptWindow } from '../queue/receipt-record.ts'
import { refreshAnswer } from '../queue/refresh.ts'
import { readRequest } from '../queue/request.ts'
import { type Answered, readResult, ServedAnswer } from '../queue/result-body.ts'
import type { Expectation } from '../queue/results.ts'
import type { SharedRules } from '../queue/rules.ts'
import type { LogSource } from '../queue/streams/follow.ts'
import { termsOf } from '../queue/terms.ts'
import type { Link, LinkParts } from './link.ts'
import type { Readings } from './readings.ts'
import type { EnqueuedJob, Request } from './types.ts'
import type { Watching } from './watching.ts'

/** What every call of a client needs. */
export interface Submission {
  readonly link: Link
  readonly rules: SharedRules
  readonly clock: Clock
  readonly readings: Readings
  /** Absent = nobody wants to know what the cache does. */
  readonly explain?: ExplainCache | undefined
  /** Absent = every job goes to the queue. */
  readonly here?: HereRunner | undefined
}

/** Calls providers in this process, for the requests that the policy says. */
export interface HereRunner extends RunsHere {
  wants(job: CompletionJob, policy: Policy): boolean
}

/** What of the rest of a request is known while it is handed in. */
interface HandedIn {
  readonly job: CompletionJob
  readonly prepared: Prepare
  readonly expected: Expecting
  readonly here?: RunsHere
}

/** The result of a job, expected from the moment there can be one: an answer from the cache costs no wait. */
interface Expecting {
  /** To be called before the job is in the queue: a worker may be quicker than our next line. */
  begin(): Expectation
  /** Nobody waits. */
  forget(): void
}

interface Wanted extends Watching {
  readonly stream: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** Called when `signal` aborts: nobody waits any more. */
  cancel(jobId: string): Promise<unknown>
}

export interface Submitted {
  readonly jobId: string
  readonly answered: Promise<Answered>
  /** Where its chunks are; absent = where everybody's are. */
  readonly logs?: LogSource
}

/** Hands a request in and expects its answer. */
export async function submit(
  parts: LinkParts,
  { link, rules, clock, readings, explain, here }: Submission,
  input: Request,
  { stream, timeoutMs, signal, cancel, onLimits, onJob }: Wanted,
): Promise<Submitted> {
  signal?.throwIfAborted()
  const current = await rules.get()
  const { policy, prices } = current
  const { request, options, terms, keep } = readings.read(input, current, clock.now())
  const replyTo = parts.results.client
  const prepared = { request, options, terms, policy, prices, stream, replyTo }
  const job = prepareJob(prepared, clock)
  onJob?.(job.id)
  parts.results.listen()
  const expected = expecting(parts.results, job.id, timeoutMs)
  // Under an id that the app gave it may be in the queue already.
  if (options.jobId !== null) expected.begin()
  // Who may hand it in again finds it in the queue.
  const runsHere = here && options.jobId === null && here.wants(job, policy) ? { here } : {}
  const enqueued = await enqueue({ job, prepared, expected, ...runsHere }, parts, clock, explain)
  if ('jobId' in enqueued) return enqueued
  if (enqueued.status !== 'concluded') onLimits?.(enqueued.limits())
  if (enqueued.status === 'queued') {
    const caller = { timeoutMs, signal, cancel: () => cancel(job.id) }
    return { jobId: job.id, answered: awaited({ job, prepared, expected, parts, clock, caller }) }
  }
  expected.forget()
  if (enqueued.status === 'concluded') return { jobId: job.id, answered: ended(enqueued) }
  // What was answered before is asked again.
  keep()
  explain?.(job, 'cached', enqueued.isStale)
  // Served at once; the process stays until the job is handed in.
  if (enqueued.refresh) {
    const anew = { ...job, body: request.body }
    link.use((live) => refreshAnswer(anew, current, { ...live, clock })).catch(() => {})
  }
  return { jobId: job.id, answered: Promise.resolve(cacheHit(enqueued, policy.version)) }
}

interface Awaited extends HandedIn {
  readonly parts: LinkParts
  readonly clock: Clock
  readonly caller: Pick<Wanted, 'timeoutMs' | 'signal'> & { cancel(): Promise<unknown> }
}

/** Waits for the result of a job in the queue; one that Redis lost is handed in again, once. */
async function awaited(queued: Awaited): Promise<Answered> {
  try {
    return await resultOf(queued)
  } catch (error) {
    if (!isBursarError(error, 'QUEUE_LOST')) throw error
  }
  const { job, prepared, parts, clock, caller } = queued
  const expected = expecting(parts.results, job.id, caller.timeoutMs)
  expected.begin()
  const again = await enqueue({ job, prepared, expected }, parts, clock)
  if ('jobId' in again) return again.answered
  if (again.status === 'queued') return resultOf({ ...queued, expected })
  expected.forget()
  if (again.status === 'cached') return cacheHit(again, prepared.policy.version)
  return ended(again)
}

async function resultOf({ job, prepared, expected, parts, caller }: Awaited): Promise<Answered> {
  const { result, forget } = expected.begin()
  const { signal, cancel } = caller
  const stored = await (signal ? orAborted({ result, forget }, signal, cancel) : result)
  return kept(stored, job, prepared, parts)
}

function expecting(results: LinkParts['results'], job: string, timeoutMs: number): Expecting {
  let expectation: Expectation | null = null
  return {
    begin() {
      expectation ??= results.expect(job, timeoutMs)
      return expectation
    },
    forget: () => expectation?.forget(),
  }
}

/** Work that the guard, where there is one, watches as a whole, and no step of it besides. */
const watched = <T>(
  { guard, bare, store }: LinkParts,
  work: (store: AdmissionStore) => Promise<T>,
): Promise<T> => (guard ? guard.run(() => work(bare ?? store)) : work(bare ?? store))

/** Hands a job in, or finds an answer for it while Redis is away. */
async function enqueue(
  { job, prepared, expected, here }: HandedIn,
  parts: LinkParts,
  clock: Clock,
  explain?: ExplainCache,
): Promise<Enqueued | Submitted> {
  const { outage, queues, kept: answers } = parts
  let mayBeQueued = false
  const onQueueing = () => {
    mayBeQueued = true
    expected.begin()
  }
  try {
    return await watched(parts, (store) => {
      const to = { store, queues, clock, kept: answers, onQueueing }
      return enqueueJob(job, prepared, here ? { ...to, here } : to)
    })
  } catch (error) {
    expected.forget()
    const instead = await outage?.answer(job, prepared, { error, mayBeQueued })
    if (instead) return { jobId: job.id, ...instead }
    if (isBursarError(error, 'CACHE_MISS')) explain?.(job, 'refused')
    throw error
  }
}

/** Reads a result, and keeps a copy of an answer that others may get while Redis is away. */
function kept(
  stored: string,
  job: CompletionJob,
  { policy }: Prepare,
  { outage }: LinkParts,
): Answered {
  const answered = readResult(stored)
  outage?.keep(job, answered, policy)
  return answered
}

/** Hands a request in for whoever asks for its result. */
export function handIn(
  { link, rules, clock }: Submission,
  input: Request,
  { onLimits }: Watching = {},
): Promise<EnqueuedJob> {
  return link.use(async (parts) => {
    const { policy, prices } = await rules.get()
    const { request, options } = readRequest(input, policy, clock.now())
    const terms = termsOf(request, options, { policy, prices })
    const replyTo = parts.results.client
    const prepared = { request, options, terms, policy, prices, stream: false, replyTo }
    const job = prepareJob(prepared, clock)
    // A hit at intake would leave nothing behind to ask for: the worker finds it, and keeps it as a result.
    const enqueued = await watched(parts, (store) =>
      enqueueJob(job, { ...prepared, lookUp: false }, { ...parts, store, clock }),
    )
    if (enqueued.status !== 'concluded') onLimits?.(enqueued.limits())
    return { jobId: job.id, status: enqueued.status === 'queued' ? 'queued' : 'ended' }
  })
}

async function ended({
  job,
  as,
  result,
}: Extract<Enqueued, { status: 'concluded' }>): Promise<Answered> {
  if (result !== null) return readResult(result)
  throw new BursarError(
    'RESULT_EXPIRED',
    `job ${job.id} ended as ${as} and its result is no longer kept: send the request under another jobId`,
    { detail: { jobId: job.id, outcome: as } },
  )
}

/** A hit touched no budget; its receipt says how they stand all the same. */
function cacheHit(
  { job, entry, isStale, windows: lines, left: states }: Extract<Enqueued, { status: 'cached' }>,
  policyVersion: number,
): Answered {
  const windows = lines.map(({ key, limitNano, warnOnly = false }, at) =>
    receiptWindow({ key, warnOnly, limitNano: states[at]?.limitNano ?? limitNano }),
  )
  const left = lines.map(({ limitNano }, at) => states[at]?.leftNano ?? limitNano)
  return new ServedAnswer(entry, cachedReceipt(job, policyVersion, windows, { isStale }), left)
}

async function orAborted(
  { result, forget }: Expectation,
  signal: AbortSignal,
  cancel: () => Promise<unknown>,
): Promise<string> {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = () => {
      forget()
      const error = new BursarError('CANCELLED', 'the request was aborted by its caller', {
        cause: signal.reason,
      })
      // Told after the flag is set, so that a process that ends now leaves nothing running.
      cancel().then(
        () => reject(error),
        () => reject(error),
      )
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    stop = () => signal.removeEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([result, aborted])
  } finally {
    stop()
  }
}
