/** A limit in time for much work at once. */
export interface Deadlines {
  /**
   * Waits for the work as long as it may take.
   * @returns what it comes to; rejects when its time is over. The work goes on then, and nobody waits for it.
   */
  within<T>(work: Promise<T>): Promise<T>
}

/** One link of a ring. Out of it, it leads nowhere. */
interface Pending {
  readonly untilMs: number
  readonly fail: (error: unknown) => void
  before: Pending | null
  after: Pending | null
}

/** How much later than its time is over one may hear of it. */
const TICK_MS = 20

/**
 * One timer for all: a timer and a race for each command cost more than the command. A ring and not a Set, whose old
 * tables V8 keeps until a major collection, with all that was in them and whatever came after (decision 0029).
 * @param late - makes what is rejected with.
 */
export function createDeadlines(limitMs: number, late: () => Error): Deadlines {
  // In the order in which their time ends; its own never does.
  const ring: Pending = { untilMs: Number.POSITIVE_INFINITY, fail() {}, before: null, after: null }
  ring.before = ring
  ring.after = ring
  let ticks: NodeJS.Timeout | undefined

  function enter(fail: Pending['fail']): Pending {
    const last = ring.before
    const one: Pending = { untilMs: performance.now() + limitMs, fail, before: last, after: ring }
    if (last) last.after = one
    ring.before = one
    ticks ??= setInterval(tick, TICK_MS)
    return one
  }

  /** @returns false = it was out of the ring already. */
  function leave(one: Pending): boolean {
    const { before, after } = one
    if (!before || !after) return false
    before.after = after
    after.before = before
    one.before = null
    one.after = null
    if (ring.after === ring) {
      clearInterval(ticks)
      ticks = undefined
    }
    return true
  }

  function tick(): void {
    const nowMs = performance.now()
    const due: Pending[] = []
    for (let one = ring.after; one && one.untilMs <= nowMs; one = one.after) due.push(one)
    if (due.length === 0) return
    // A process that was busy itself for so long finds the reply in its socket: that is read first.
    setImmediate(() => {
      for (const one of due) if (leave(one)) one.fail(late())
    })
  }

  return {
    within: (work) =>
      new Promise((resolve, fail) => {
        const one = enter(fail)
        work.then(
          (value) => {
            leave(one)
            resolve(value)
          },
          (error: unknown) => {
            leave(one)
            fail(error)
          },
        )
      }),
  }
}
