import type { Rules } from './context.ts'
import { newJobId } from './ids.ts'
import type { CompletionJob, LoadedJob } from './job.ts'
import { cacheMode } from './job-cache.ts'
import { enqueueJob, type ProducerParts } from './producer.ts'

/** Who keeps nothing, or asked for no call, is not made to pay for one. */
const mayRefresh = (job: CompletionJob): boolean => cacheMode(job) === 'on'

/**
 * Has a stale answer made anew: a deferrable job of its own, paid by the budgets of whoever was served it, counted
 * against no request limit, given up when the stale answer is served no more. It ends as `cached` where somebody else
 * was quicker, and joins whoever asks the same.
 * @throws {BursarError} SLOT_CLOSED, STORE_UNAVAILABLE: the next one who is served the answer is asked instead.
 */
export async function refreshAnswer(
  job: Omit<LoadedJob, 'bodyKept'>,
  { policy, prices }: Rules,
  parts: ProducerParts,
): Promise<void> {
  if (!mayRefresh(job)) return
  const { countedAtMs: _, ...asked } = job
  const nowMs = parts.clock.now()
  const lastMs = nowMs + (policy.cache.responses.staleWhileRevalidateMs ?? 0)
  const anew: LoadedJob = {
    ...asked,
    id: newJobId(),
    ...{ urgency: 'deferrable', stream: false, replyTo: '', refresh: true },
    ...{ enqueuedAtMs: nowMs, deadlineMs: lastMs, bodyKept: false },
  }
  const bodyBytes = Buffer.byteLength(JSON.stringify(job.body))
  const options = { jobId: anew.id, deadlineMs: lastMs, cache: {}, bodyBytes }
  const how = { stream: false, replyTo: '', lookUp: false, counted: false }
  await enqueueJob(anew, { request: anew, options, policy, prices, ...how }, parts)
}
