import type { IntakeReply, WindowLeft } from '../admission/commands.ts'
import type { Outcome } from '../admission/outbox.ts'
import type { NamedLimit } from '../admission/plan/limit-lines.ts'
import type { WindowLine } from '../admission/plan-lines.ts'
import type { GovernedRequest } from '../admission/plan-types.ts'
import type { AdmissionStore } from '../admission/store.ts'
import type { Answers } from '../cache/responses/answers.ts'
import type { CacheEntry } from '../cache/responses/entry.ts'
import type { Policy } from '../config/policy-types.ts'
import { BursarError } from '../errors.ts'
import type { PriceBook } from '../pricing/types.ts'
import { cacheMiss, endAsMissed, refuseLater } from './cache-miss.ts'
import { queueError } from './check-redis.ts'
import type { Clock } from './clock.ts'
import { turnFor } from './fair.ts'
import { newJobId } from './ids.ts'
import type { CompletionJob } from './job.ts'
import { cacheMode, servedKey } from './job-cache.ts'
import { type LimitReport, refusalOf, reportLimit } from './limit-words.ts'
import { JOB_NAME, queueOf } from './names.ts'
import type { Queues } from './queues.ts'
import type { RequestOptions } from './request.ts'
import { type Terms, termsOf } from './terms.ts'
import { TOP_UP_PATIENCE_MS } from './top-up-patience.ts'

/** What became of a request that was handed in. */
export type Enqueued =
  | {
      readonly status: 'queued'
      readonly job: CompletionJob
      readonly limits: () => readonly LimitReport[]
    }
  /** Answered at once; nothing was queued. */
  | {
      readonly status: 'cached'
      readonly job: CompletionJob
      readonly entry: CacheEntry
      readonly isStale: boolean
      /** The caller has it made anew (refresh.ts). */
      readonly refresh: boolean
      readonly limits: () => readonly LimitReport[]
      /** The budget windows that it touched nothing of, and how they stand. */
      readonly windows: readonly WindowLine[]
      readonly left: readonly (WindowLeft | null)[]
    }
  /** This job id ended before; null = its result is no longer kept. */
  | {
      readonly status: 'concluded'
      readonly job: CompletionJob
      readonly as: Outcome
      readonly result: string | null
    }

/** Runs jobs in this very process. */
export interface RunsHere {
  /**
   * Takes a job that was let in, so that it needs no queue.
   * @param priority - its turn.
   * @returns false = it belongs into the queue.
   */
  take(job: CompletionJob, priority: number): boolean
}

export interface ProducerParts {
  readonly store: Pick<AdmissionStore, 'intake' | 'conclude'>
  readonly queues: () => Queues
  readonly clock: Clock
  readonly kept: Answers
  /** Called before the job is in the queue, or runs here. */
  readonly onQueueing?: () => void
  /** Absent = every job goes to the queue. */
  readonly here?: RunsHere
}

export interface Prepare {
  readonly request: GovernedRequest
  readonly options: RequestOptions
  readonly policy: Policy
  readonly prices: PriceBook
  /** Whether the caller follows the chunk log. */
  readonly stream: boolean
  /** Client whose reply channel is told; '' = nobody. */
  readonly replyTo: string
  /** false = intake does not answer from the cache; the worker still may. */
  readonly lookUp?: boolean
  /** false = it counts against no limit of requests. */
  readonly counted?: boolean
  /** Absent = they are worked out here. */
  readonly terms?: Terms
}

/** Larger bodies stay beside the queue: BullMQ moves a job's data with each state it passes. */
const INLINE_BYTES = 16 * 1_024
/** Longer than any job waits without a deadline of its own. */
const BODY_TTL_MS = TOP_UP_PATIENCE_MS + 24 * 3_600_000

/** Makes the job of a request. Pure, but for the id it draws. */
export function prepareJob(prepare: Prepare, clock: Clock): CompletionJob {
  const { request, options, stream, replyTo } = prepare
  const { fields, tags } = prepare.terms ?? termsOf(request, options, prepare)
  const { operation, model, body, tenant, user, tier, urgency, pinned, resource, ip } = request
  const { deadlineMs, requestId } = options
  const { cacheKey, cache, cacheOff } = fields
  const nowMs = clock.now()
  // Named one by one: V8 takes twenty times as long to copy objects and add to the copy.
  return {
    v: 1,
    id: options.jobId ?? newJobId(),
    ...{ operation, model, body, tenant, user, tier, tags, urgency, pinned },
    ...{ stream, deadlineMs, replyTo, cacheKey },
    enqueuedAtMs: nowMs,
    clockMs: clock.virtual ? nowMs : 0,
    ...(resource !== undefined && { resource }),
    ...(ip !== undefined && { ip }),
    ...(requestId !== undefined && { requestId }),
    ...(cache !== undefined && { cache }),
    ...(cacheOff !== undefined && { cacheOff }),
  }
}

/**
 * Hands a job in: one round trip to the slot (limits, cache, idempotency) and one to the queue. Handing in the same
 * job id again is harmless.
 * @throws {BursarError} RATE_LIMITED with `retryAfterMs`, CACHE_MISS of one that only the cache may answer, SLOT_CLOSED,
 * or STORE_UNAVAILABLE: whether it was queued is then unknown, and handing it in again with the same job id finds out.
 */
export async function enqueueJob(
  job: CompletionJob,
  prepare: Prepare,
  parts: ProducerParts,
): Promise<Enqueued> {
  const { request, policy, options, lookUp = true, counted = true } = prepare
  const { store, queues, clock, kept, onQueueing, here } = parts
  const isOnly = cacheMode(job) === 'only'
  if (isOnly && !lookUp) refuseLater()
  const byReference = options.bodyBytes > INLINE_BYTES && !isOnly
  const terms = prepare.terms ?? termsOf(request, options, prepare)
  const named = counted ? terms.limits : []
  const key = lookUp ? servedKey(job) : null
  const look = key === null ? null : kept.look(key)
  const { windows, windowKeys, guessNano } = terms.at(request, clock.now())
  const reply = await store.intake({
    job: job.id,
    limits: counted ? terms.lines : [],
    cacheKey: key,
    look: look?.command,
    windows: look ? windowKeys : [],
    meta: terms.meta(job.enqueuedAtMs),
    body: byReference ? { text: JSON.stringify(job.body), ttlMs: bodyTtlMs(job) } : null,
    // What is asked of the cache alone takes nobody's turn.
    turn: isOnly ? undefined : turnFor(job, { policy }, guessNano),
  })
  switch (reply.outcome) {
    case 'queued': {
      if (isOnly) throw await endAsMissed(job, store)
      onQueueing?.()
      const { priority } = reply
      const queued = queuedJob(job, reply.countedAtMs, byReference)
      if (!here?.take(queued, priority)) {
        await addJob(queued, queues(), { priority, attempts: policy.defaults.attempts })
      }
      return { status: 'queued', job, limits: () => reportsOf(named, reply.limits) }
    }
    case 'cached': {
      const opened = look?.open(reply) ?? null
      const entry = opened instanceof Promise ? await opened : opened
      if (!entry) {
        if (isOnly) throw cacheMiss(job)
        return enqueueJob(job, { ...prepare, lookUp: false }, parts)
      }
      const { refresh, freshForMs, windows: left } = reply
      const limits = () => reportsOf(named, reply.limits)
      const isStale = freshForMs <= 0
      return { status: 'cached', job, entry, isStale, refresh, limits, windows, left }
    }
    case 'concluded':
      return { status: 'concluded', job, as: reply.as, result: reply.result }
    case 'refused':
      throw rateLimited(job, named, reply)
    default:
      throw slotClosed()
  }
}

const queuedJob = (job: CompletionJob, countedAtMs: number, byReference: boolean) => ({
  ...job,
  countedAtMs,
  ...(byReference && { body: null }),
})

const reportsOf = (
  named: readonly NamedLimit[],
  states: Extract<IntakeReply, { outcome: 'queued' }>['limits'],
): LimitReport[] =>
  named.flatMap((limit, at) => {
    const state = states[at]
    return state ? [reportLimit(limit, state)] : []
  })

/** How a job waits in the queue; `delay` is in ms, absent = it waits for a worker alone. */
interface Place {
  readonly priority: number
  readonly attempts: number
  readonly delay?: number
}

/** Puts a job into its queue; one that is there already stays as it is. @throws {BursarError} STORE_UNAVAILABLE. */
export async function addJob(job: CompletionJob, queues: Queues, place: Place): Promise<void> {
  try {
    await queues[queueOf(job.urgency)].add(JOB_NAME, job, {
      jobId: job.id,
      ...place,
      backoff: { type: 'ours' },
    })
  } catch (error) {
    throw queueError(error)
  }
}

const bodyTtlMs = ({ deadlineMs, enqueuedAtMs }: CompletionJob): number =>
  Math.max(deadlineMs - enqueuedAtMs, BODY_TTL_MS)

/** @throws {BursarError} says how to open the slot. */
export const slotClosed = (): BursarError =>
  new BursarError(
    'SLOT_CLOSED',
    'the slot of this Redis is not open, so no money can be held: wait a moment while it is reopened from the ledger, and start a worker (npx bursar start) if none runs; bursar doctor says what it waits for',
    { retryable: true },
  )

/** Of several full limits the one that lasts longest is told: before it, the request would be refused again. */
export function rateLimited(
  job: CompletionJob,
  named: readonly NamedLimit[],
  { limits: states }: Extract<IntakeReply, { outcome: 'refused' }>,
): BursarError {
  const limits = reportsOf(named, states)
  const full = states
    .flatMap((state, at) => (state.remaining < 1 ? [{ state, limit: named[at] }] : []))
    .toSorted((a, b) => b.state.resetAtMs - a.state.resetAtMs)
  const { state, limit } = full[0] ?? {}
  if (!state || !limit) throw new RangeError('a refusal without a full limit')
  const waitMs = Math.max(state.resetAtMs - job.enqueuedAtMs, 0)
  const { message, detail } = refusalOf(limit, state, waitMs)
  return new BursarError('RATE_LIMITED', message, {
    retryable: true,
    detail: { ...detail, limits },
  })
}
