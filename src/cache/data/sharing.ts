import { setTimeout as pause } from 'node:timers/promises'
import type { Placed } from './places.ts'
import type { DataStore } from './store.ts'

interface Work<T> {
  /** Undefined = nobody has made it yet. */
  readonly look: () => Promise<T | undefined>
  readonly load: () => Promise<T>
  /** Told when somebody else's loader made the value. */
  readonly onJoined: () => void
}

export interface Sharing {
  /** Runs one loader for all who ask for the same at the same time. What it throws, everybody in this process gets. */
  run<T>(at: Placed, work: Work<T>): Promise<T>
}

/** A loader that takes longer is not waited for by other processes: two at work are better than all waiting. */
const LOCK_MS = 10_000
const FIRST_LOOK_MS = 10
const LAST_LOOK_MS = 200

/** Keeps a herd from making one value a hundred times when it runs out. */
export function createSharing(store: Pick<DataStore, 'lock'>): Sharing {
  const running = new Map<string, Promise<unknown>>()

  async function make<T>({ scope, key }: Placed, { look, load, onJoined }: Work<T>): Promise<T> {
    const known = await look()
    if (known !== undefined) return known
    const endMs = Date.now() + LOCK_MS
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(2 * waitMs, LAST_LOOK_MS)) {
      const lock = await store.lock(scope, key, LOCK_MS)
      if (lock) {
        try {
          return await load()
        } finally {
          // It runs out by itself, too.
          await lock.release().catch(() => {})
        }
      }
      await pause(waitMs)
      const made = await look()
      if (made !== undefined) {
        onJoined()
        return made
      }
      if (Date.now() >= endMs) return load()
    }
  }

  return {
    async run<T>(at: Placed, work: Work<T>): Promise<T> {
      const name = `${at.scope}\n${at.key}`
      const other = running.get(name)
      if (other) {
        await other
        const made = await work.look()
        if (made !== undefined) {
          work.onJoined()
          return made
        }
      }
      const mine = make(at, work).finally(() => running.delete(name))
      running.set(name, mine)
      return mine
    },
  }
}
