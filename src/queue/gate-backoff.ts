/** How long a model is left alone when its provider said "too many" and no more. */
export interface GateBackoff {
  /** @returns ms: 1 s at first, twice as long each time it is not enough, at most a minute. */
  next(gate: string): number
  /** The model answered. */
  clear(gate: string): void
}

const FIRST_MS = 1_000
const MAX_MS = 60_000

/** Remembers per gate, in this process; every process learns for itself what the shared gate does not tell. */
export function createGateBackoff(): GateBackoff {
  const closedFor = new Map<string, number>()
  return {
    next(gate) {
      const ms = Math.min((closedFor.get(gate) ?? FIRST_MS / 2) * 2, MAX_MS)
      closedFor.set(gate, ms)
      return ms
    },
    clear: (gate) => void (closedFor.size > 0 && closedFor.delete(gate)),
  }
}
