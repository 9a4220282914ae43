import { QUEUES } from './names.ts'
import type { Queues } from './queues.ts'

/** How many jobs wait parked, about: the next one to be parked stands behind them. */
export interface ParkedCount {
  /** Returns at once; counts the one that asks. */
  next(): number
}

/** How old the count of the queues may be. Between two looks, what was parked here is added. */
const FRESH_MS = 1_000

export function createParkedCount(queues: Queues, now: () => number = Date.now): ParkedCount {
  let counted = 0
  let added = 0
  let lookedAtMs = Number.NEGATIVE_INFINITY
  let looking = false

  async function look(): Promise<void> {
    looking = true
    lookedAtMs = now()
    try {
      const counts = await Promise.all(QUEUES.map((name) => queues[name].getDelayedCount()))
      counted = counts.reduce((sum, count) => sum + count, 0)
      added = 0
    } catch {
      // The last count serves: how far jobs come back apart is no promise.
    } finally {
      looking = false
    }
  }

  return {
    next() {
      if (!looking && now() - lookedAtMs >= FRESH_MS) void look()
      return counted + added++
    },
  }
}
