import type { ConcludeCommand } from '../admission/commands.ts'
import type { AdmissionStore } from '../admission/store.ts'
import type { Guard } from './guard.ts'

/** Ends of requests that the slot has not been told yet. */
export interface Rows {
  add(row: ConcludeCommand): void
  /** Says who is told, now and whenever Redis is back. */
  reach(store: Pick<AdmissionStore, 'conclude'>): void
}

/** An hour of a busy gateway's hits; what comes on top replaces the oldest. */
const MOST_ROWS = 50_000

/** Keeps rows in memory until Redis is back. */
export function createRows(guard: Guard): Rows {
  let waiting: ConcludeCommand[] = []
  let store: Pick<AdmissionStore, 'conclude'> | null = null
  let telling = false

  async function tellAll(): Promise<void> {
    if (telling || !store) return
    telling = true
    try {
      for (let row = waiting[0]; row && guard.openSinceMs === null; row = waiting[0]) {
        const reply = await store.conclude(row)
        if (reply.outcome !== 'concluded' && reply.outcome !== 'already') break
        waiting.shift()
      }
    } catch {
      // Told again when Redis is back.
    } finally {
      telling = false
    }
  }
  guard.onChange((isAway) => {
    if (!isAway) void tellAll()
  })

  return {
    add(row) {
      if (waiting.length === MOST_ROWS) waiting = waiting.slice(1)
      waiting.push(row)
      if (guard.openSinceMs === null) void tellAll()
    },
    reach(told) {
      store = told
      void tellAll()
    },
  }
}
