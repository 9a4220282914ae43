import { Job } from 'bullmq'
import type { Outcome } from '../admission/outbox.ts'
import type { AdmissionStore } from '../admission/store.ts'
import { queueError } from './check-redis.ts'
import { type CompletionJob, metaOf, readJob } from './job.ts'
import { CANCELLED } from './judge-admission.ts'
import { QUEUES } from './names.ts'
import { slotClosed } from './producer.ts'
import type { CompletionQueue, Queues } from './queues.ts'
import { writeDenied } from './result-body.ts'

/** `cancelling` = a worker has it in hands and will end it; money it spends until then is booked. */
export type Cancelled = 'cancelled' | 'cancelling' | { readonly endedAs: Outcome }

/**
 * Cancels a job, wherever it is: flags it, so that no later take holds money for it; tells the workers, one of which
 * may be calling; and takes it out of the queue when it waits or is parked.
 * @throws {BursarError} STORE_UNAVAILABLE, SLOT_CLOSED. Safe to call again.
 */
export async function cancelJob(
  id: string,
  store: Pick<AdmissionStore, 'cancel' | 'conclude'>,
  queues: Queues,
  resultTtlMs: number,
): Promise<Cancelled> {
  const flagged = await store.cancel(id)
  if (flagged.outcome === 'already') return { endedAs: flagged.as }
  if (flagged.outcome !== 'flagged') throw slotClosed()
  const waiting = await takeOut(id, queues)
  if (!waiting) return 'cancelling'
  const reply = await store.conclude({
    job: id,
    meta: JSON.stringify(metaOf(waiting)),
    outcome: 'cancelled',
    reason: CANCELLED.code,
    result: writeDenied('cancelled', CANCELLED),
    replyTo: waiting.replyTo,
    resultTtlMs,
    hasBody: waiting.body === null,
  })
  // A worker may have ended it first, because of our flag or with an answer that was on its way.
  if (reply.outcome === 'already' && reply.as !== 'cancelled') return { endedAs: reply.as }
  if (reply.outcome !== 'concluded' && reply.outcome !== 'already') throw slotClosed()
  return 'cancelled'
}

/** @returns the job when it was there and nobody had it in hands. */
async function takeOut(id: string, queues: Queues): Promise<CompletionJob | null> {
  try {
    const found = await Promise.all(QUEUES.map((name) => takeFrom(queues[name], id)))
    return found.find((job) => job !== null) ?? null
  } catch (error) {
    throw queueError(error)
  }
}

async function takeFrom(queue: CompletionQueue, id: string): Promise<CompletionJob | null> {
  // Read first: on Redis a removal of what is not there counts as done.
  const job = await Job.fromId(queue, id)
  if (!job) return null
  const data = readJob(job.data)
  return (await queue.remove(id)) === 1 ? data : null
}
