import { CompletionJobSchema } from './job.ts'
import { QUEUES, type QueueName } from './names.ts'
import { readParkNote } from './park-note.ts'
import type { Queues } from './queues.ts'

/** A job that waits for money. */
export interface WaitingJob {
  readonly id: string
  readonly queue: QueueName
  readonly enqueuedAtMs: number
  /** The most it can cost, and the least that its last rung needs, nano-USD. */
  readonly holdNano: number
  readonly leastNano: number
}

/** What waits for which budget window, as one look found it. */
export interface ParkTally {
  /** Window key -> its jobs, oldest first. */
  readonly windows: ReadonlyMap<string, WaitingJob[]>
  /** Jobs that are delayed for whatever reason. */
  readonly delayed: number
}

/** Bodies travel with their jobs, 16 KB each at most: a page is a few MB. */
const PAGE_JOBS = 200

/** Reads everything that is parked. Jobs that come and go meanwhile may be left out. */
export async function tallyParked(queues: Queues): Promise<ParkTally> {
  const windows = new Map<string, WaitingJob[]>()
  let delayed = 0
  for (const queue of QUEUES) {
    for (let at = 0; ; at += PAGE_JOBS) {
      const page = await queues[queue].getJobs('delayed', at, at + PAGE_JOBS - 1, true)
      delayed += page.length
      for (const job of page) addTo(windows, job, queue)
      if (page.length < PAGE_JOBS) break
    }
  }
  for (const jobs of windows.values()) jobs.sort((a, b) => a.enqueuedAtMs - b.enqueuedAtMs)
  return { windows, delayed }
}

type QueueJob = Awaited<ReturnType<Queues[QueueName]['getJobs']>>[number]

function addTo(windows: Map<string, WaitingJob[]>, job: QueueJob, queue: QueueName): void {
  const note = readParkNote(job)
  const { data } = CompletionJobSchema.safeParse(job.data)
  if (!data || note?.by !== 'budget') return
  const holdNano = note.holdNano ?? 0
  const { id, enqueuedAtMs } = data
  const waiting = { id, queue, enqueuedAtMs, holdNano, leastNano: note.leastNano ?? holdNano }
  const jobs = windows.get(note.what)
  if (jobs) jobs.push(waiting)
  else windows.set(note.what, [waiting])
}
