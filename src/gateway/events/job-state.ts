import { readParkNote } from '../../queue/park-note.ts'
import { type JobPlaces, jobsCalled } from '../find-job.ts'

/** Where a job stands that has not ended. */
export type JobState =
  | { readonly is: 'queued' | 'started' }
  | {
      readonly is: 'parked'
      /** What holds it up: budget, gate, limit, flight or slot, and which; `retry` = it failed and comes back. */
      readonly why: { readonly by: string; readonly what: string }
      /** ISO 8601. */
      readonly resumesAt: string
    }

/** @returns null when it has ended, or no queue has it any more. @throws {BursarError} STORE_UNAVAILABLE. */
export async function jobState(id: string, places: JobPlaces): Promise<JobState | null> {
  const job = await jobCalled(id, places)
  if (!job || job.finishedOn !== undefined) return null
  const state = await job.getState()
  if (state === 'active') return { is: 'started' }
  if (state !== 'delayed')
    return state === 'completed' || state === 'failed' ? null : { is: 'queued' }
  // Why it waits is written before it is moved: what was read before it was moved may not say.
  const parked = await jobCalled(id, places)
  if (!parked) return null
  const note = readParkNote(parked)
  const fromMs = parked.processedOn ?? parked.timestamp
  return {
    is: 'parked',
    why: note ? { by: note.by, what: note.what } : { by: 'retry', what: '' },
    resumesAt: new Date(fromMs + parked.delay).toISOString(),
  }
}

const jobCalled = async (id: string, places: JobPlaces) =>
  (await jobsCalled(id, places)).find((one) => one !== undefined)

/** Whether a listener has heard this already. A time that moves by less than a second is the same one. */
export function isSame(one: JobState | null, other: JobState): boolean {
  if (one === null || one.is !== other.is) return false
  if (one.is !== 'parked' || other.is !== 'parked') return true
  const apart = Math.abs(Date.parse(one.resumesAt) - Date.parse(other.resumesAt))
  return one.why.by === other.why.by && one.why.what === other.why.what && apart < 1_000
}
