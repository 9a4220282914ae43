import type { Redis } from 'ioredis'
import { slotKeys } from '../admission/keys.ts'
import { ask } from '../admission/redis/ask.ts'

const SCAN_KEYS = 1_000

/**
 * Keys of a slot that a new life does not go on with, page by page: counters, attempts, limits, calls under way, the
 * outbox. How requests ended, their results, the cache, turns and gates are as good as before.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export async function* lostKeys(redis: Redis, prefix: string): AsyncGenerator<string[], void> {
  const { exp, out, windows, window, attempt, limit, flight, followers } = slotKeys(prefix)
  yield [exp, out, windows]
  const lost = [window, attempt, limit, flight, followers].map((key) => key(''))
  for (let cursor = '0'; ; ) {
    const [next, page] = await ask(redis.scan(cursor, 'MATCH', `${prefix}:*`, 'COUNT', SCAN_KEYS))
    const keys = page.filter((key) => lost.some((begin) => key.startsWith(begin)))
    if (keys.length > 0) yield keys
    if (next === '0') return
    cursor = next
  }
}
