/** Whoever waits for the same limit or gate, in the order in which it was found full. In this process alone. */
export interface LimitQueue {
  /**
   * A job found it full: it comes back behind those that wait already.
   * @param opensAtMs - when the job would fit if nobody else asked, UTC ms.
   * @returns when it comes back, UTC ms.
   */
  join(what: string, place: Place, opensAtMs: number, nowMs: number): number
  /** Room came back before its time: whoever waits first and fits comes now. */
  freed(what: string, amount: number, nowMs: number): void
}

export interface Place {
  readonly job: string
  /** How much of it the job wants. */
  readonly amount: number
  /** How long it takes until as much again is let through, ms. */
  readonly everyMs: number
  /** Nobody waits longer for a turn than this: what other processes leave unused is found by then. ms. */
  readonly mostMs: number
}

interface Waiting {
  readonly amount: number
  readonly backMs: number
}
interface Line {
  /** job -> its place, the first that came first. */
  readonly jobs: Map<string, Waiting>
  /** When the last of them comes back. */
  lastMs: number
  /** What came back, and nobody was woken for. */
  room: number
}

/** Lines that nobody stands in any more are looked for when there are more. */
const MANY_LINES = 1_000
/** Whoever comes back within it need not be woken. */
const SOON_MS = 20

/** @param wake - brings parked jobs back before their time. */
export function createLimitQueue(
  wake: (jobs: readonly string[]) => void,
  random: () => number = Math.random,
): LimitQueue {
  const lines = new Map<string, Line>()

  function lineOf(what: string, nowMs: number): Line {
    const known = lines.get(what)
    if (known) return known
    if (lines.size >= MANY_LINES) forget(nowMs)
    const line = { jobs: new Map(), lastMs: 0, room: 0 }
    lines.set(what, line)
    return line
  }

  function forget(nowMs: number): void {
    for (const [what, { lastMs }] of lines) if (lastMs <= nowMs) lines.delete(what)
  }

  return {
    join(what, { job, amount, everyMs, mostMs }, opensAtMs, nowMs) {
      const line = lineOf(what, nowMs)
      line.jobs.delete(job)
      const turnMs = Math.max(opensAtMs, line.lastMs + everyMs)
      const latestMs = opensAtMs + mostMs
      const backMs = Math.ceil(turnMs <= latestMs ? turnMs : latestMs - random() * mostMs)
      line.lastMs = Math.max(line.lastMs, Math.min(turnMs, latestMs))
      line.jobs.set(job, { amount, backMs })
      return backMs
    },
    freed(what, amount, nowMs) {
      const line = lines.get(what)
      if (!line) return
      line.room += amount
      const woken: string[] = []
      for (const [job, waiting] of line.jobs) {
        // It is back already.
        const isBack = waiting.backMs <= nowMs + SOON_MS
        if (!isBack && waiting.amount > line.room) break
        line.jobs.delete(job)
        if (isBack) continue
        line.room -= waiting.amount
        woken.push(job)
      }
      if (line.jobs.size === 0) lines.delete(what)
      if (woken.length > 0) wake(woken)
    },
  }
}
