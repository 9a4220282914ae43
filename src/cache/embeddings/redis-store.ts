import type { Redis } from 'ioredis'
import { z } from 'zod'
import { slotKeys } from '../../admission/keys.ts'
import { BursarError, messageOf } from '../../errors.ts'
import type { VectorStore } from './store.ts'

const PAGE_KEYS = 500

const Kept = z.array(z.string().nullable())
const Count = z.int().min(0)
const ScanReply = z.tuple([z.string(), z.array(z.string())])

/**
 * Vectors in Redis, beside the slot: one MGET finds a batch of them, on a Cluster too.
 * @param redis - commands are bounded in time; the caller owns and closes it.
 */
export function redisVectorStore(redis: Redis, prefix: string): VectorStore {
  const { vector } = slotKeys(prefix)

  async function* pages(begin: string): AsyncGenerator<readonly string[], void> {
    const pattern = `${literally(vector(begin))}*`
    let cursor = '0'
    do {
      const reply = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', PAGE_KEYS)
      const [next, keys] = ScanReply.parse(reply)
      if (keys.length > 0) yield keys
      cursor = next
    } while (cursor !== '0')
  }

  return {
    get: (keys) =>
      answered(async () =>
        keys.length === 0 ? [] : Kept.parse(await redis.mget(keys.map(vector))),
      ),
    put: (entries, ttlMs) =>
      answered(async () => {
        const batch = redis.pipeline()
        for (const [key, text] of entries) batch.set(vector(key), text, 'PX', ttlMs)
        const failed = (await batch.exec())?.find(([error]) => error !== null)?.[0]
        if (failed) throw failed
      }),
    drop: (keys) =>
      answered(async () => {
        if (keys.length > 0) await redis.unlink(keys.map(vector))
      }),
    count: (begin) =>
      answered(async () => {
        // A scan may name a key twice.
        const seen = new Set<string>()
        for await (const keys of pages(begin)) for (const key of keys) seen.add(key)
        return seen.size
      }),
    clear: (begin) =>
      answered(async () => {
        let dropped = 0
        for await (const keys of pages(begin)) dropped += Count.parse(await redis.unlink([...keys]))
        return dropped
      }),
  }
}

/** As part of a pattern. */
const literally = (text: string): string => text.replaceAll(/[\\*?[\]]/g, '\\$&')

async function answered<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question()
  } catch (cause) {
    throw new BursarError('STORE_UNAVAILABLE', `the cache did not answer: ${messageOf(cause)}`, {
      cause,
      retryable: true,
    })
  }
}
