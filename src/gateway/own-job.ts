import { z } from 'zod'
import type { ApiKey } from '../access/api-key.ts'
import { covers } from '../access/scope.ts'
import { BursarError } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { getRequest } from '../ledger/queries/get-request.ts'
import { findJob, type JobPlaces, jobsCalled, unknownJob } from './find-job.ts'

/** Where it is written whose a job is. */
export interface OwnerPlaces extends JobPlaces {
  readonly ledger: Ledger
}

/**
 * `findJob` for whoever came with a key: a job of others is unknown to them, whatever became of it.
 * @param key - null = no key was needed, and every job may be seen.
 */
export async function findOwnJob(
  id: string,
  key: ApiKey | null,
  places: OwnerPlaces,
): ReturnType<typeof findJob> {
  const looking = findJob(id, places)
  if (key === null) return looking
  const isThere = await looking.then(
    () => true,
    () => false,
  )
  const owner = (await ownerInQueue(id, places)) ?? (await ownerInLedger(id, places))
  if (owner === null && isThere) throw notWrittenYet(id)
  if (owner === null || !covers(key, owner)) throw unknownJob(id)
  return looking
}

/**
 * Refuses what was handed in under a job id that is somebody else's, before anything of theirs is told. An id without
 * job and result was answered from the caller's own cache at once, or refused at the door.
 * @throws {BursarError} INVALID_REQUEST; LEDGER_UNAVAILABLE, retryable, while nobody can say whose it is.
 */
export async function assertOwnId(
  id: string,
  key: ApiKey | null,
  places: OwnerPlaces,
): Promise<void> {
  if (key === null) return
  const waiting = await ownerInQueue(id, places)
  if (waiting === null && (await places.store.result(id)) === null) return
  const owner = waiting ?? (await ownerInLedger(id, places))
  if (owner === null) throw notWrittenYet(id)
  if (!covers(key, owner)) throw taken(id)
}

const Owner = z.object({ tenant: z.string(), user: z.string() })
type Owner = Parameters<typeof covers>[1]

/** The queue keeps jobs that ended for a while. */
async function ownerInQueue(id: string, places: OwnerPlaces): Promise<Owner | null> {
  const jobs = await jobsCalled(id, places)
  return Owner.safeParse(jobs.find((job) => job !== undefined)?.data).data ?? null
}

async function ownerInLedger(id: string, { ledger }: OwnerPlaces): Promise<Owner | null> {
  const end = (await getRequest(ledger, id))?.end
  return end ? { tenant: end.tenant, user: end.userId } : null
}

const taken = (id: string): BursarError =>
  new BursarError('INVALID_REQUEST', `jobId '${id}' is in use by somebody else: choose another`, {
    detail: { jobId: id },
  })

const notWrittenYet = (id: string): BursarError =>
  new BursarError(
    'LEDGER_UNAVAILABLE',
    `the ledger has not written yet whose job ${id} is: ask again soon`,
    { retryable: true, detail: { jobId: id, retryAfterMs: 1_000 } },
  )
