import { Ring } from '../collections/ring.ts'

/** A limit in time for much work at once. */
export interface Deadlines {
  /**
   * Waits for the work as long as it may take.
   * @returns what it comes to; rejects when its time is over. The work goes on then, and nobody waits for it.
   */
  within<T>(work: Promise<T>): Promise<T>
}

interface Pending {
  readonly untilMs: number
  readonly late: () => void
}

/** How much later than its time is over one may hear of it. */
const TICK_MS = 20

/**
 * One timer for all: a timer and a race for each command cost more than the command.
 * @param late - makes what is rejected with.
 */
export function createDeadlines(limitMs: number, late: () => Error): Deadlines {
  // In the order in which their time ends.
  const pending = new Ring<Pending>()
  let ticks: NodeJS.Timeout | undefined

  function tick(): void {
    if (pending.isEmpty) {
      clearInterval(ticks)
      ticks = undefined
      return
    }
    const nowMs = performance.now()
    const due: Pending[] = []
    for (const one of pending) {
      if (one.untilMs > nowMs) break
      due.push(one)
    }
    if (due.length === 0) return
    // A process that was busy itself for so long finds the reply in its socket: that is read first.
    setImmediate(() => {
      for (const one of due) one.late()
    })
  }

  return {
    within: (work) =>
      new Promise((resolve, reject) => {
        const untilMs = performance.now() + limitMs
        const link = pending.add({ untilMs, late: () => link.leave() && reject(late()) })
        ticks ??= setInterval(tick, TICK_MS)
        work.then(
          (value) => {
            link.leave()
            resolve(value)
          },
          (error: unknown) => {
            link.leave()
            reject(error)
          },
        )
      }),
  }
}
