import type { IntakeReply, LimitState } from '../admission/commands.ts'
import type { Outcome } from '../admission/outbox.ts'
import { requestLimits } from '../admission/plan/limit-lines.ts'
import type { GovernedRequest } from '../admission/plan-types.ts'
import type { AdmissionStore } from '../admission/store.ts'
import { fingerprint, isCacheable } from '../cache/fingerprint.ts'
import type { Policy } from '../config/policy-types.ts'
import { BursarError } from '../errors.ts'
import { queueError } from './check-redis.ts'
import type { Clock } from './clock.ts'
import { newJobId } from './ids.ts'
import { type CompletionJob, metaOf } from './job.ts'
import { JOB_NAME, PRIORITY, queueOf } from './names.ts'
import type { Queues } from './queues.ts'
import type { RequestOptions } from './request.ts'

/** What became of a request that was handed in. */
export type Enqueued =
  | { readonly status: 'queued'; readonly job: CompletionJob }
  /** Answered at once; nothing was queued. */
  | { readonly status: 'cached'; readonly job: CompletionJob; readonly entry: string }
  /** This job id ended before; null = its result is no longer kept. */
  | {
      readonly status: 'concluded'
      readonly job: CompletionJob
      readonly as: Outcome
      readonly result: string | null
    }

export interface ProducerParts {
  readonly store: Pick<AdmissionStore, 'intake'>
  readonly queues: () => Queues
  readonly clock: Clock
}

export interface Prepare {
  readonly request: GovernedRequest
  readonly options: RequestOptions
  readonly policy: Policy
  /** Whether the caller follows the chunk log. */
  readonly stream: boolean
  /** Client whose reply channel is told; '' = nobody. */
  readonly replyTo: string
  /** false = intake does not answer from the cache; the worker still may. */
  readonly lookUp?: boolean
}

/** Larger bodies stay beside the queue: BullMQ moves a job's data with each state it passes. */
const INLINE_BYTES = 16 * 1_024
/** Longer than any job waits without a deadline of its own. */
const BODY_TTL_MS = 7 * 24 * 3_600_000

/** Makes the job of a request. Pure, but for the id it draws. */
export function prepareJob(prepare: Prepare, clock: Clock): CompletionJob {
  const { request, options, policy, stream, replyTo } = prepare
  const cached = options.cache && isCacheable(request, policy)
  const nowMs = clock.now()
  return {
    v: 1,
    id: options.jobId ?? newJobId(),
    ...request,
    stream,
    deadlineMs: options.deadlineMs,
    replyTo,
    cacheKey: cached ? fingerprint(request) : null,
    enqueuedAtMs: nowMs,
    clockMs: clock.virtual ? nowMs : 0,
  }
}

/**
 * Hands a job in: one round trip to the slot (limits, cache, idempotency) and one to the queue. Handing in the same
 * job id again is harmless.
 * @throws {BursarError} RATE_LIMITED with `retryAfterMs`, SLOT_CLOSED, or STORE_UNAVAILABLE: whether it was queued is
 * then unknown, and handing it in again with the same job id finds out.
 */
export async function enqueueJob(
  job: CompletionJob,
  { policy, options, lookUp = true }: Prepare,
  { store, queues }: ProducerParts,
): Promise<Enqueued> {
  const byReference = options.bodyBytes > INLINE_BYTES
  const reply = await store.intake({
    job: job.id,
    limits: requestLimits(policy, job),
    cacheKey: lookUp ? job.cacheKey : null,
    meta: JSON.stringify(metaOf(job)),
    body: byReference ? { text: JSON.stringify(job.body), ttlMs: bodyTtlMs(job) } : null,
  })
  switch (reply.outcome) {
    case 'queued':
      await add(byReference ? { ...job, body: null } : job, policy, queues())
      return { status: 'queued', job }
    case 'cached':
      return { status: 'cached', job, entry: reply.body }
    case 'concluded':
      return { status: 'concluded', job, as: reply.as, result: reply.result }
    case 'refused':
      throw rateLimited(job, reply)
    default:
      throw slotClosed()
  }
}

async function add(job: CompletionJob, policy: Policy, queues: Queues): Promise<void> {
  try {
    await queues[queueOf(job.urgency)].add(JOB_NAME, job, {
      jobId: job.id,
      priority: PRIORITY,
      attempts: policy.defaults.attempts,
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
    'the slot of this Redis is not open, so no money can be held: start a worker (npx bursar start), which opens a new one, or reopen the one that was lost',
    { retryable: true },
  )

function rateLimited(
  job: CompletionJob,
  { limit, limits }: Extract<IntakeReply, { outcome: 'refused' }>,
): BursarError {
  const state: LimitState | undefined = limits[limit]
  const resetAtMs = state?.resetAtMs ?? job.enqueuedAtMs
  const retryAfterMs = Math.max(resetAtMs - job.enqueuedAtMs, 0)
  return new BursarError(
    'RATE_LIMITED',
    `limit ${state?.key ?? ''} is full: send the request again in ${Math.ceil(retryAfterMs / 1_000)} s`,
    {
      retryable: true,
      detail: {
        limit: state?.key ?? null,
        retryAfterMs,
        resumesAt: new Date(resetAtMs).toISOString(),
      },
    },
  )
}
