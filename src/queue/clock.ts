/** Milliseconds since 1970, as the work is told. */
export interface Clock {
  now(): number
  /** Moves virtual time forward, never back; 0 and real clocks change nothing. */
  follow(atMs: number): void
  readonly virtual: boolean
  /** Whoever moves this clock promotes the jobs that wait for money: nobody needs to look at them before. */
  readonly wakes?: boolean
  /** Of a clock that another process moves: resolves when all that it had told before is known here. */
  catchUp?(): Promise<void>
}

/** The machine's time. */
export const realClock: Clock = { now: () => Date.now(), follow: () => {}, virtual: false }

/**
 * Time that stands still until a job of a replay or a simulation moves it.
 * @param startMs - 1 when absent: to the slot, 0 means the server's own time, by which every virtual hold is overdue.
 */
export function createFollowingClock(startMs = 1): Clock {
  let nowMs = startMs
  return {
    now: () => nowMs,
    follow(atMs) {
      if (atMs > nowMs) nowMs = atMs
    },
    virtual: true,
  }
}
