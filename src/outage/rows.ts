import type { ConcludeCommand } from '../admission/commands.ts'
import type { AdmissionStore } from '../admission/store.ts'
import type { Guard } from './guard.ts'

/** Ends of requests that the slot has not been told yet. */
export interface Rows {
  add(row: ConcludeCommand): void
  /** Says who is told, now and whenever Redis is back. */
  reach(store: Pick<AdmissionStore, 'conclude'>): void
  /** Tells what it can, and nothing more after that. */
  close(): Promise<void>
}

/** An hour of a busy gateway's hits; what comes on top replaces the oldest. */
export const MOST_ROWS = 50_000
const TELL_AGAIN_MS = 250

/** Keeps rows in memory until Redis is back. */
export function createRows(guard: Guard): Rows {
  let waiting: ConcludeCommand[] = []
  let store: Pick<AdmissionStore, 'conclude'> | null = null
  let telling: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function tellEach(): Promise<void> {
    if (!store) return
    try {
      for (let row = waiting[0]; row && guard.openSinceMs === null; row = waiting[0]) {
        const reply = await store.conclude(row)
        if (reply.outcome !== 'concluded' && reply.outcome !== 'already') break
        // What came on top may have replaced it.
        if (waiting[0] === row) waiting.shift()
      }
    } catch {
      // Redis went again.
    }
  }
  function tellAll(): Promise<void> {
    telling ??= tellEach().finally(() => {
      telling = null
      clearTimeout(timer)
      // The slot may be closed for a while after Redis is back.
      const isOwing = waiting.length > 0 && guard.openSinceMs === null
      if (isOwing && !closed) timer = setTimeout(() => void tellAll(), TELL_AGAIN_MS).unref()
    })
    return telling
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
    async close() {
      closed = true
      clearTimeout(timer)
      await tellAll()
    },
  }
}
