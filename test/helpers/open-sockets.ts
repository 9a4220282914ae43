import { Socket } from 'node:net'

const DEADLINE_MS = 5_000

declare global {
  namespace NodeJS {
    interface Process {
      /** Not in the types of Node; used by every leak finder, stable since Node 0.9. */
      _getActiveHandles(): readonly unknown[]
    }
  }
}

const current = (): Set<unknown> =>
  new Set(process._getActiveHandles().filter((one) => one instanceof Socket && one.remotePort))

/**
 * Remembers the TCP connections that are open now.
 * @returns a check that resolves when every later one has closed, and fails naming those that stay.
 */
export function openSockets(): { stillTheOnlyOnes(): Promise<void> } {
  const before = current()
  const added = () => [...current()].filter((one) => !before.has(one))
  return {
    async stillTheOnlyOnes() {
      const end = Date.now() + DEADLINE_MS
      // A closed socket leaves the list a turn of the event loop later.
      while (added().length > 0 && Date.now() < end) await new Promise(setImmediate)
      const left = added().map((one) => (one instanceof Socket ? one.remotePort : one))
      if (left.length > 0)
        throw new Error(`the test left connections open, to ports ${left.join(', ')}`)
    },
  }
}
