import { Job } from 'bullmq'
import type { WindowState } from '../admission/commands.ts'
import type { AdmissionStore } from '../admission/store.ts'
import type { RulesSource } from './context.ts'
import { QUEUES, type QueueName } from './names.ts'
import { type ParkTally, tallyParked, type WaitingJob } from './park-tally.ts'
import type { Queues } from './queues.ts'
import { promote } from './waker.ts'

export interface ParkReleaseParts {
  readonly queues: Queues
  readonly store: Pick<AdmissionStore, 'peek'>
  readonly rules: Pick<RulesSource, 'current'>
}

/** Lets parked work go on as far as there is money for it again: a top-up, a higher limit, a hold that came back. */
export interface ParkRelease {
  /** One look. @returns how many jobs were woken. @throws {BursarError} STORE_UNAVAILABLE, or BullMQ's error. */
  run(nowMs: number): Promise<number>
}

/** Woken jobs of one window that may wait for a worker at the same time: a herd would only be parked again. */
const BATCH = 50
/** A look at everything that is parked takes this part of the time at most. */
const SHARE = 20
const LOOK_EVERY_MS = 30_000

interface Looked extends ParkTally {
  readonly atMs: number
  readonly tookMs: number
}

interface Woken {
  readonly window: string
  readonly job: WaitingJob
  /** What it is expected to hold. */
  readonly nano: number
}

export function createParkRelease({ queues, store, rules }: ParkReleaseParts): ParkRelease {
  let looked: Looked | null = null
  let woken: Woken[] = []
  /** The policy under which a window's oldest job was last sent to see what it changes. */
  const scouted = new Map<string, number>()

  async function look(nowMs: number): Promise<ParkTally | null> {
    const counts = await Promise.all(QUEUES.map((name) => queues[name].getDelayedCount()))
    const delayed = counts.reduce((sum, count) => sum + count, 0)
    if (delayed === 0) {
      looked = null
      scouted.clear()
      return null
    }
    const everyMs = looked?.delayed === delayed ? LOOK_EVERY_MS : 0
    if (looked && nowMs - looked.atMs < Math.max(everyMs, SHARE * looked.tookMs)) return looked
    const began = performance.now()
    const tally = await tallyParked(queues)
    looked = { ...tally, atMs: nowMs, tookMs: performance.now() - began }
    return looked
  }

  async function wake(window: string, job: WaitingJob, nano: number): Promise<number> {
    const queued = await Job.fromId(queues[job.queue], job.id)
    if (!queued || !(await queued.isDelayed())) return 0
    await promote(queued)
    woken.push({ window, job, nano })
    return 1
  }

  async function release(state: WindowState, jobs: WaitingJob[], policy: number): Promise<number> {
    const waiting = woken.filter(({ window }) => window === state.key)
    const promised = waiting.reduce((sum, { nano }) => sum + nano, 0)
    let room = state.limitNano - state.spentNano - state.heldNano - promised
    let count = 0
    for (let free = BATCH - waiting.length; free > 0; free--) {
      const [next] = jobs
      if (!next || next.leastNano > room) break
      jobs.shift()
      const nano = Math.min(next.holdNano, room)
      const one = await wake(state.key, next, nano)
      count += one
      if (one > 0) room -= nano
    }
    // What a newer policy allows is known in the slot once somebody asks under it.
    const [oldest] = jobs
    if (count > 0 || !oldest || state.policy >= policy) return count
    if (scouted.get(state.key) === policy) return count
    scouted.set(state.key, policy)
    jobs.shift()
    return wake(state.key, oldest, 0)
  }

  return {
    async run(nowMs) {
      woken = await stillWaiting(woken, queues)
      const tally = await look(nowMs)
      if (!tally) return 0
      const keys = [...tally.windows.keys()]
      const policy = rules.current().policy.version
      let count = 0
      for (const state of await store.peek(keys)) {
        // What waits for the next window comes back by itself, one after the other.
        if (!state || state.endMs <= nowMs) continue
        count += await release(state, tally.windows.get(state.key) ?? [], policy)
      }
      return count
    },
  }
}

/** Those that no worker has taken yet: their money is not held. */
async function stillWaiting(woken: readonly Woken[], queues: Queues): Promise<Woken[]> {
  const states = await Promise.all(woken.map(({ job }) => stateOf(queues[job.queue], job.id)))
  return woken.filter((_, at) => states[at] === 'prioritized' || states[at] === 'waiting')
}

const stateOf = async (queue: Queues[QueueName], id: string): Promise<string> =>
  (await Job.fromId(queue, id))?.getState() ?? 'unknown'
