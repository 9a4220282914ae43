import { Job } from 'bullmq'
import type { RequestMeta } from '../admission/outbox.ts'
import type { AdmissionStore } from '../admission/store.ts'
import { queueError } from './check-redis.ts'
import { QUEUES } from './names.ts'
import type { Queues } from './queues.ts'
import { type Denied, writeDenied } from './result-body.ts'

/** Told to whoever asks for the job: what happened to the call is as unknown as after a timeout. */
const LOST: Denied = {
  code: 'PROVIDER_OUTCOME_UNKNOWN',
  message:
    "the process that called the provider for this request died; the call is booked whole until the provider's bill is known: send the request again",
  retryable: true,
  detail: { reason: 'process-died' },
}

interface EndParts {
  readonly store: Pick<AdmissionStore, 'conclude'>
  readonly queues: Queues
  readonly resultTtlMs: number
}

/**
 * Ends a request whose process died with it: a gateway that called the provider itself, of whose jobs no queue knows.
 * One that a queue has goes on, and one that has ended stays as it ended.
 * @returns whether it was ended now. Safe to call again.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export async function endLost(
  job: string,
  meta: RequestMeta,
  { store, queues, resultTtlMs }: EndParts,
): Promise<boolean> {
  if (await goesOn(job, queues)) return false
  const { outcome } = await store.conclude({
    ...{ job, meta: JSON.stringify(meta), resultTtlMs, hasBody: true },
    ...{ outcome: 'failed', reason: LOST.code, result: writeDenied('failed', LOST), replyTo: '' },
  })
  return outcome === 'concluded'
}

async function goesOn(id: string, queues: Queues): Promise<boolean> {
  try {
    const found = await Promise.all(QUEUES.map((name) => Job.fromId(queues[name], id)))
    return found.some((job) => job !== undefined && job.finishedOn === undefined)
  } catch (error) {
    throw queueError(error)
  }
}
