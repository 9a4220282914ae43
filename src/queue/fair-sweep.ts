import { priorityInLap } from '../admission/model/fair.ts'
import type { AdmissionStore } from '../admission/store.ts'
import type { CompletionQueue } from './backend.ts'
import type { QueueName } from './names.ts'
import type { Queues } from './queues.ts'

/** Wherever a job may wait, or come back from. */
const STATES = ['active', 'delayed', 'wait', 'prioritized'] as const
const PAGE_JOBS = 100
/** A pass moves less each time; what this many leave over, the next sweep moves. */
const MAX_PASSES = 10

/**
 * Brings the turns of everything that waits, runs or is parked to a lap, lowest first, so that the order stays. Jobs that
 * change their state meanwhile are found by the next pass; again is harmless, also beside another sweep.
 * @returns how many it moved, and whether the last pass found none to move.
 */
export async function sweepTurns(
  queue: CompletionQueue,
  lap: number,
): Promise<{ moved: number; clean: boolean }> {
  let moved = 0
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const found = await sweepOnce(queue, lap)
    if (found === 0) return { moved, clean: true }
    moved += found
  }
  return { moved, clean: false }
}

async function sweepOnce(queue: CompletionQueue, lap: number): Promise<number> {
  let moved = 0
  for (const state of STATES) {
    for (let from = 0; ; from += PAGE_JOBS) {
      const ids = await queue.getRanges([state], from, from + PAGE_JOBS - 1, true)
      const did = await Promise.all(ids.map((id) => bringAlong(queue, id, lap)))
      moved += did.filter(Boolean).length
      if (ids.length < PAGE_JOBS) break
    }
  }
  return moved
}

/** @returns false when the job is of the lap, or gone. */
async function bringAlong(queue: CompletionQueue, id: string, lap: number): Promise<boolean> {
  const job = await queue.getJob(id)
  if (!job?.priority) return false
  const priority = priorityInLap(job.priority, lap)
  if (priority === job.priority) return false
  try {
    await job.changePriority({ priority })
    return true
  } catch (error) {
    if (await queue.getJob(id)) throw error
    return false
  }
}

/**
 * Begins a new lap of a queue's turns when one is over, and brings what waits along: priorities have 21 bits, and
 * virtual time has no end. Run it about once a minute, by any number of processes.
 * @returns null when there was nothing to do here.
 */
export async function keepQueueTurns(
  name: QueueName,
  { store, queues }: { store: Pick<AdmissionStore, 'keepTurns'>; queues: Queues },
): Promise<{ lap: number; moved: number } | null> {
  const reply = await store.keepTurns({ queue: name, clean: null })
  if (reply.outcome !== 'kept' || reply.sweep === null) return null
  const { moved, clean } = await sweepTurns(queues[name], reply.sweep)
  if (clean) await store.keepTurns({ queue: name, clean: reply.sweep })
  return { lap: reply.sweep, moved }
}
