import { Job } from 'bullmq'
import { z } from 'zod'
import { OUTCOMES, type Outcome } from '../admission/outbox.ts'
import { readStoredResult } from '../admission/result.ts'
import type { AdmissionStore } from '../admission/store.ts'
import { BursarError } from '../errors.ts'
import type { Guard } from '../outage/guard.ts'
import { redisError } from '../queue/check-redis.ts'
import { QUEUES } from '../queue/names.ts'
import type { Queues } from '../queue/queues.ts'

/** Where jobs are looked for. */
export interface JobPlaces {
  readonly store: Pick<AdmissionStore, 'result'>
  readonly queues: Queues
  /** BullMQ waits for a Redis that is away, however long it takes. */
  readonly guard?: Guard | null
}

/** Jobs of a queue, within the time that whoever asks may wait. @throws {BursarError} STORE_UNAVAILABLE. */
export async function jobsCalled(id: string, { queues, guard }: JobPlaces) {
  const look = () => Promise.all(QUEUES.map((name) => Job.fromId(queues[name], id)))
  try {
    return await (guard ? guard.run(look) : look())
  } catch (error) {
    throw redisError(error)
  }
}

/**
 * Looks where a job stands.
 * @returns its stored result, or `queued` while it waits, is parked or runs.
 * @throws {BursarError} UNKNOWN_JOB; RESULT_EXPIRED when it ended and its result is gone; STORE_UNAVAILABLE.
 */
export async function findJob(
  id: string,
  places: JobPlaces,
): Promise<'queued' | { readonly stored: string }> {
  const { store } = places
  const early = await store.result(id)
  if (early !== null) return { stored: early }
  const seen = await inQueues(id, places)
  if (seen === 'going') return 'queued'
  // It may have ended, and left the queue, between the two looks.
  const late = await store.result(id)
  if (late !== null) return { stored: late }
  throw seen === 'ended' ? expired(id) : unknownJob(id)
}

const OutcomeSchema = z.object({ outcome: z.enum(OUTCOMES) })

/** How a job with this stored result ended; null when another version wrote it. */
export function outcomeOf(stored: string): Outcome | null {
  try {
    return OutcomeSchema.parse(JSON.parse(readStoredResult(stored).body)).outcome
  } catch {
    return null
  }
}

async function inQueues(id: string, places: JobPlaces): Promise<'going' | 'ended' | 'nowhere'> {
  const job = (await jobsCalled(id, places)).find((one) => one !== undefined)
  if (!job) return 'nowhere'
  return job.finishedOn === undefined ? 'going' : 'ended'
}

const expired = (id: string): BursarError =>
  new BursarError(
    'RESULT_EXPIRED',
    `job ${id} ended and its result is no longer kept: ask sooner, or raise RESULT_TTL_MS`,
    { detail: { jobId: id } },
  )

/** The answer for a job that nobody, or somebody else, handed in. */
export const unknownJob = (id: string): BursarError =>
  new BursarError(
    'UNKNOWN_JOB',
    `no job is called ${id}: check the id that POST /v1/jobs answered; what ended long ago is forgotten`,
    { detail: { jobId: id } },
  )
