import type { Redis } from 'ioredis'
import { type SlotKeys, slotKeys } from '../../admission/keys.ts'
import { createRedisStore } from '../../admission/redis/store.ts'
import type { AdmissionStore } from '../../admission/store.ts'
import type { Options } from '../../config/options.ts'
import { BursarError } from '../../errors.ts'
import { redisError } from '../../queue/check-redis.ts'
import { connectCommands } from '../../queue/connection.ts'

/** A hold that is listed as live, and when it expires or expired, UTC ms. */
export interface ListedHold {
  readonly attempt: string
  readonly expiresAtMs: number
}

/** The slot as a reader sees it: nothing is opened, registered or changed. Throws STORE_UNAVAILABLE. */
export interface ReadSlot extends Pick<AdmissionStore, 'outbox' | 'peek'> {
  /** The slot's own clock, UTC ms. */
  now(): Promise<number>
  /** Keys of windows that end after an instant, soonest first, page by page; -Infinity = all that are kept. */
  windows(afterMs: number, pageWindows?: number): AsyncGenerator<readonly string[], void>
  /** Keys of the windows that end last, latest first. */
  latestWindows(limit: number): Promise<readonly string[]>
  /** How many holds are listed. */
  countHolds(): Promise<number>
  /** Holds that expired before an instant, oldest first. */
  holdsDueBefore(beforeMs: number, limit: number): Promise<readonly ListedHold[]>
  /** Which of these attempts are held. */
  held(attempts: readonly string[]): Promise<ReadonlySet<string>>
  close(): Promise<void>
}

// One person waits for the answer: patience beyond what a command on the hot path may take.
const PATIENCE_MS = 5_000
const PAGE_WINDOWS = 500

/**
 * Connects to the slot; the caller closes it.
 * @throws {BursarError} INVALID_OPTIONS without an address, STORE_UNAVAILABLE.
 */
export async function openSlotToRead({ REDIS_URL, BURSAR_PREFIX }: Options): Promise<ReadSlot> {
  if (!REDIS_URL) {
    const message =
      'REDIS_URL is not set: write the address of Redis, such as redis://127.0.0.1:6379'
    throw new BursarError('INVALID_OPTIONS', message)
  }
  const redis = connectCommands({ url: REDIS_URL, name: 'bursar-cli', timeoutMs: PATIENCE_MS })
  try {
    const store = await createRedisStore({ redis, prefix: BURSAR_PREFIX })
    const close = async () => {
      await store.close()
      redis.disconnect()
    }
    const { outbox, peek } = store
    return { outbox, peek, ...lookers(redis, slotKeys(BURSAR_PREFIX)), close }
  } catch (error) {
    redis.disconnect()
    throw error
  }
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
