import type { Redis } from 'ioredis'
import type { Clock } from '../../queue/clock.ts'

/** The driver's time: it moves it, and tells whoever works elsewhere. */
export interface DriverClock extends Clock {
  /** Lets time pass by itself from now on, `speed` ms for each ms. */
  run(speed: number): void
  /** Resolves when workers that look from now on learn at least this time. */
  told(): Promise<void>
  /** Tells nobody any more, and stands still unless it is moved. */
  stop(): Promise<void>
}

const TICK_MS = 20
const TELL_MS = 50
const LISTEN_MS = 100

const keyOf = (prefix: string): string => `${prefix}:replay-clock`

/** Makes this time known to workers elsewhere. */
export type TellTime = (nowMs: number) => Promise<unknown>

/** By a key in Redis, where `followDriverClock` looks. */
export const tellByKey =
  (redis: Redis, prefix: string): TellTime =>
  (nowMs) =>
    redis.set(keyOf(prefix), String(nowMs))

/** Virtual time that every worker of a replay follows: this process moves it. */
export function startDriverClock(clock: Clock, tellTime: TellTime): DriverClock {
  let ticking: NodeJS.Timeout | undefined
  const tell = async () => void (await tellTime(clock.now()))
  // A missed beat is made good by the next.
  const telling = setInterval(() => void tell().catch(() => {}), TELL_MS)
  return {
    ...clock,
    run(speed) {
      clearInterval(ticking)
      const from = { realMs: performance.now(), virtualMs: clock.now() }
      ticking = setInterval(() => {
        clock.follow(from.virtualMs + Math.floor((performance.now() - from.realMs) * speed))
      }, TICK_MS)
    },
    told: tell,
    async stop() {
      clearInterval(ticking)
      clearInterval(telling)
      await tell().catch(() => {})
    },
  }
}

/** The same time in a worker: it goes on when no job is taken, too. */
export function followDriverClock(
  redis: Redis,
  prefix: string,
  clock: Clock,
): { stop(): void; catchUp(): Promise<void> } {
  const listen = async () => clock.follow(Number((await redis.get(keyOf(prefix))) ?? 0))
  const listening = setInterval(() => void listen().catch(() => {}), LISTEN_MS)
  return { stop: () => clearInterval(listening), catchUp: () => listen().catch(() => {}) }
}
