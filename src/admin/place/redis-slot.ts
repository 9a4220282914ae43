import type { Redis } from 'ioredis'
import { type SlotKeys, slotKeys } from '../../admission/keys.ts'
import { createRedisStore } from '../../admission/redis/store.ts'
import type { Options } from '../../config/options.ts'
import { BursarError } from '../../errors.ts'
import { redisError } from '../../queue/check-redis.ts'
import { connectCommands } from '../../queue/connection.ts'
import type { RepairSlot } from '../command.ts'
import { PAGE_WINDOWS, type ReadSlot } from './read-slot.ts'

// One person waits for the answer: patience beyond what a command on the hot path may take.
export const PATIENCE_MS = 5_000

/**
 * Connects to the slot; the caller closes it.
 * @throws {BursarError} INVALID_OPTIONS without an address, STORE_UNAVAILABLE.
 */
export async function openSlotPlace(
  options: Options,
): Promise<ReadSlot & RepairSlot & { close(): Promise<void> }> {
  const { BURSAR_PREFIX } = options
  const url = redisUrlOf(options)
  const redis = connectCommands({ url, name: 'bursar-cli', timeoutMs: PATIENCE_MS })
  try {
    const store = await createRedisStore({ redis, prefix: BURSAR_PREFIX })
    const close = async () => {
      await store.close()
      redis.disconnect()
    }
    const { outbox, peek, peekLimits, rebuild, adopt, settle, credit } = store
    const looks = lookers(redis, slotKeys(BURSAR_PREFIX))
    return { outbox, peek, peekLimits, rebuild, adopt, settle, credit, ...looks, close }
  } catch (error) {
    redis.disconnect()
    throw error
  }
}

/** @throws {BursarError} INVALID_OPTIONS when nobody said where Redis is. */
export function redisUrlOf({ REDIS_URL }: Pick<Options, 'REDIS_URL'>): string {
  if (REDIS_URL) return REDIS_URL
  throw new BursarError(
    'INVALID_OPTIONS',
    'REDIS_URL is not set: write the address of Redis, such as redis://127.0.0.1:6379',
  )
}

function lookers(redis: Redis, { windows, exp }: SlotKeys) {
  return {
    async now() {
      const [seconds, micros] = await asking(redis.time())
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
    },
    async *windows(afterMs: number, pageWindows = PAGE_WINDOWS) {
      const from = Number.isFinite(afterMs) ? `(${afterMs}` : '-inf'
      for (let at = 0; ; at += pageWindows) {
        const page = await asking(
          redis.zrangebyscore(windows, from, '+inf', 'LIMIT', at, pageWindows),
        )
        if (page.length > 0) yield page
        if (page.length < pageWindows) return
      }
    },
    latestWindows: (limit: number) => asking(redis.zrevrange(windows, 0, limit - 1)),
    countHolds: () => asking(redis.zcard(exp)),
    async holdsDueBefore(beforeMs: number, limit: number) {
      const range = redis.zrangebyscore(
        exp,
        '-inf',
        `(${beforeMs}`,
        'WITHSCORES',
        'LIMIT',
        0,
        limit,
      )
      const flat = await asking(range)
      return Array.from({ length: flat.length / 2 }, (_, i) => ({
        attempt: flat[2 * i] ?? '',
        expiresAtMs: Number(flat[2 * i + 1]),
      }))
    },
    async held(attempts: readonly string[]) {
      if (attempts.length === 0) return new Set<string>()
      const scores = await asking(redis.zmscore(exp, ...attempts))
      return new Set(attempts.filter((_, at) => scores[at] !== null))
    },
  }
}

async function asking<T>(question: Promise<T>): Promise<T> {
  try {
    return await question
  } catch (error) {
    throw redisError(error)
  }
}
