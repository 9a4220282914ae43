import type { Redis } from 'ioredis'
import { z } from 'zod'
import { slotKeys } from '../../admission/keys.ts'
import { loadScript } from '../../admission/redis/load-script.ts'
import { runScript } from '../../admission/redis/run-script.ts'
import { answered } from '../answered.ts'
import { type AnswerShelf, MOST_NOTES, PAGE_KEYS } from './answer-shelf.ts'

const fileScript = loadScript(new URL('./file-answer.lua', import.meta.url))

const Count = z.int().min(0)
const Texts = z.array(z.string())
const ScanReply = z.tuple([z.string(), Texts])

/**
 * Answers in Redis.
 * @param redis - the caller owns and closes it.
 * @param prefix - the slot's.
 */
export function redisAnswers(redis: Redis, prefix: string): AnswerShelf {
  const { cached, filed, cacheNotes } = slotKeys(prefix)
  const under = cached('')

  async function drop(keys: readonly string[]): Promise<number> {
    let dropped = 0
    for (let at = 0; at < keys.length; at += PAGE_KEYS) {
      dropped += Count.parse(await redis.unlink(keys.slice(at, at + PAGE_KEYS).map(cached)))
    }
    return dropped
  }

  return {
    async *keys(pattern) {
      let cursor = '0'
      do {
        const [next, names] = await answered(async () =>
          ScanReply.parse(await redis.scan(cursor, 'MATCH', under + pattern, 'COUNT', PAGE_KEYS)),
        )
        if (names.length > 0) yield names.map((name) => name.slice(under.length))
        cursor = next
      } while (cursor !== '0')
    },
    look: (keys) =>
      answered(() =>
        Promise.all(
          keys.map(async (key) => {
            const [bytes, leftMs] = await Promise.all([
              redis.strlen(cached(key)),
              redis.pttl(cached(key)),
            ])
            return leftMs > 0 ? { bytes: Count.parse(bytes), leftMs } : null
          }),
        ),
      ),
    drop: (keys) => answered(() => drop(keys)),
    file: ({ key, wall, labels, ttlMs }) =>
      answered(async () => {
        if (labels.length === 0) return
        const sets = labels.map((label) => filed(`${wall}:${label}`))
        Count.parse(await runScript(redis, fileScript, sets, [Date.now(), ttlMs, key]))
      }),
    dropFiled: (wall, label) =>
      answered(async () => {
        for (let dropped = 0; ; ) {
          // Members and scores take turns.
          const flat = Texts.parse(await redis.zpopmin(filed(`${wall}:${label}`), PAGE_KEYS))
          if (flat.length === 0) return dropped
          dropped += await drop(flat.filter((_, at) => at % 2 === 0))
        }
      }),
    note: (line) =>
      answered(async () => {
        await redis
          .multi()
          .lpush(cacheNotes, line)
          .ltrim(cacheNotes, 0, MOST_NOTES - 1)
          .exec()
      }),
    notes: (limit) =>
      answered(async () => Texts.parse(await redis.lrange(cacheNotes, 0, limit - 1))),
  }
}
