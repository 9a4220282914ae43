import { Job } from 'bullmq'
import type { Outbox } from '../admission/outbox.ts'
import { QUEUES } from './names.ts'
import type { Queues } from './queues.ts'

/** A job that somebody waits for, of which no result is known. */
export interface AwaitedJob {
  readonly job: string
  /** The life of the slot in which it was handed in; 0 = not known. */
  life: number
  /** Looks, one after the other, that found it in no queue. */
  missed: number
}

/** Finds out which jobs an emptied Redis has lost. */
export interface LossWatch {
  /** The life that this process believes in; 0 = none yet. */
  life(): number
  /** Notes in each what it sees, and returns those that are gone. */
  lost(awaited: readonly AwaitedJob[]): Promise<readonly string[]>
}

/** One that is between its intake and the queue is missed once, not twice. */
const GONE_AFTER = 2

export function createLossWatch(
  store: { readonly outbox: Pick<Outbox, 'slot'>; epoch(): number },
  queues: () => Queues,
): LossWatch {
  const isQueued = async (id: string): Promise<boolean> => {
    const found = await Promise.all(QUEUES.map((name) => Job.fromId(queues()[name], id)))
    return found.some((job) => job !== undefined)
  }
  return {
    life: () => store.epoch(),
    async lost(awaited) {
      const slot = await store.outbox.slot()
      if (slot === null) return []
      const doubted = awaited.filter(({ life }) => life !== slot.epoch)
      for (const one of doubted) {
        if (await isQueued(one.job)) one.life = slot.epoch
        else one.missed += 1
      }
      return doubted.filter(({ missed }) => missed >= GONE_AFTER).map(({ job }) => job)
    },
  }
}
