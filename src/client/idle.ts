import type { Redis } from 'ioredis'

/** Lets the process end while this connection, or one made after it, is idle or away. */
export function letExit(redis: Redis): Redis {
  redis.on('connect', () => redis.stream.unref())
  // The timer is set before the event is told. ioredis has no other way to it; without it only the end is late.
  redis.on('reconnecting', () => {
    const timer: unknown = Reflect.get(redis, 'reconnectTimeout')
    if (timer instanceof Object && 'unref' in timer && typeof timer.unref === 'function') {
      timer.unref()
    }
  })
  const duplicate = redis.duplicate.bind(redis)
  redis.duplicate = (override) => letExit(duplicate(override))
  return redis
}

const LONGEST_TIMER_MS = 2 ** 31 - 1

export interface KeepAlive {
  /** Runs work that the process must not end under. */
  during<T>(work: () => Promise<T>): Promise<T>
}

/** Keeps the process alive while operations are under way, and no longer. */
export function createKeepAlive(): KeepAlive {
  let running = 0
  let timer: NodeJS.Timeout | undefined
  return {
    async during<T>(work: () => Promise<T>): Promise<T> {
      running += 1
      timer ??= setInterval(() => {}, LONGEST_TIMER_MS)
      try {
        return await work()
      } finally {
        running -= 1
        if (running === 0) {
          clearInterval(timer)
          timer = undefined
        }
      }
    },
  }
}
