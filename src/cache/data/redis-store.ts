import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { loadScript } from '../../admission/redis/load-script.ts'
import { runScript } from '../../admission/redis/run-script.ts'
import { answered } from '../answered.ts'
import { noNumber } from './errors.ts'
import { type DataStore, type Entry, isOf, type Lock } from './store.ts'

const putScript = loadScript(new URL('./put.lua', import.meta.url))
const incrementScript = loadScript(new URL('./increment.lua', import.meta.url))
const unlockScript = loadScript(new URL('./unlock.lua', import.meta.url))

/** Keys that one step drops or looks at, so that others are served in between. */
const PAGE = 500
/** Words of one script call: Lua unpacks no more than some thousands. */
const MOST_WORDS = 4_000

const Count = z.int().min(0)
const Numbered = z.union([z.int(), z.literal('not-a-number')])
const Texts = z.array(z.string())
const Values = z.array(z.string().nullable())
const ScanReply = z.tuple([z.string(), z.array(z.string())])

/** Every key of a scope in one Cluster slot. */
const keysOf = (prefix: string, scope: string) => {
  const base = `${prefix}:{${scope}}`
  return {
    index: `${base}:keys`,
    value: (key: string) => `${base}:v:${key}`,
    tag: (tag: string) => `${base}:t:${tag}`,
    lock: (key: string) => `${base}:l:${key}`,
  }
}

/** Beside the slot of its policy: two Bursars on one Redis share no data. */
export const dataPrefix = (slotPrefix: string): string => `${slotPrefix.replace(/[{}]/g, '')}-data`

/**
 * Cached data in Redis, shared by every process.
 * @param redis - commands are bounded in time; the caller owns and closes it.
 * @param prefix - without braces: scopes are spread over a Cluster.
 */
export function redisDataStore(redis: Redis, prefix = 'bursar-data'): DataStore {
  const scopesKey = `${prefix}:scopes`
  const told = new Set<string>()
  const keys = (scope: string) => keysOf(prefix, scope)

  async function tell(scope: string): Promise<void> {
    if (told.has(scope)) return
    await redis.sadd(scopesKey, scope)
    told.add(scope)
  }

  async function drop(scope: string, names: readonly string[]): Promise<number> {
    const { index, value } = keys(scope)
    let dropped = 0
    for (const page of pages(names, PAGE)) {
      const [count] = await Promise.all([redis.del(page.map(value)), redis.zrem(index, page)])
      dropped += Count.parse(count)
    }
    return dropped
  }

  return {
    async get(scope, names) {
      if (names.length === 0) return []
      return answered(async () => Values.parse(await redis.mget(names.map(keys(scope).value))))
    },
    async put(scope, entries) {
      if (entries.length === 0) return
      await answered(async () => {
        await tell(scope)
        const { index } = keys(scope)
        for (const words of scriptsFor(entries)) {
          Count.parse(await runScript(redis, putScript, [index], [Date.now(), ...words]))
        }
      })
    },
    drop: (scope, names) => answered(() => drop(scope, names)),
    dropTagged: (scope, tag) =>
      answered(async () => {
        const set = keys(scope).tag(tag)
        for (let dropped = 0; ; ) {
          const names = Texts.parse(await redis.spop(set, PAGE))
          if (names.length === 0) return dropped
          dropped += await drop(scope, names)
        }
      }),
    dropMatching: (scope, pattern) =>
      answered(async () => {
        const { index } = keys(scope)
        let [dropped, cursor] = [0, '0']
        do {
          const reply = await redis.zscan(index, cursor, 'MATCH', pattern, 'COUNT', PAGE)
          const [next, flat] = ScanReply.parse(reply)
          // Members and scores take turns.
          dropped += await drop(
            scope,
            flat.filter((_, at) => at % 2 === 0),
          )
          cursor = next
        } while (cursor !== '0')
        return dropped
      }),
    expire: (scope, key, ttlMs) =>
      answered(async () => {
        const { index, value } = keys(scope)
        const known = (await redis.pexpire(value(key), ttlMs)) === 1
        if (known) await redis.zadd(index, Date.now() + ttlMs, key)
        return known
      }),
    async increment(scope, key, by, ttlMs) {
      const reply = await answered(async () => {
        await tell(scope)
        const { index } = keys(scope)
        return Numbered.parse(
          await runScript(redis, incrementScript, [index], [Date.now(), key, by, ttlMs]),
        )
      })
      if (reply === 'not-a-number') throw noNumber(key)
      return reply
    },
    scopes: (namespace) =>
      answered(async () => {
        const all = Texts.parse(await redis.smembers(scopesKey))
        return all.filter((scope) => isOf(scope, namespace))
      }),
    keys: (scope, pattern, limit) =>
      answered(async () => {
        const found: string[] = []
        const nowMs = Date.now()
        let cursor = '0'
        do {
          const reply = await redis.zscan(
            keys(scope).index,
            cursor,
            'MATCH',
            pattern,
            'COUNT',
            PAGE,
          )
          const [next, flat] = ScanReply.parse(reply)
          for (let at = 0; at < flat.length; at += 2) {
            if (Number(flat[at + 1]) > nowMs) found.push(flat[at] ?? '')
          }
          cursor = next
        } while (cursor !== '0' && found.length < limit)
        return [...new Set(found)].slice(0, limit)
      }),
    lock: (scope, key, ttlMs) =>
      answered(async () => {
        const [at, token] = [keys(scope).lock(key), randomUUID()]
        const taken = await redis.set(at, token, 'PX', ttlMs, 'NX')
        if (taken !== 'OK') return null
        const lock: Lock = {
          release: () =>
            answered(async () => {
              await runScript(redis, unlockScript, [at], [token])
            }),
        }
        return lock
      }),
    async close() {},
  }
}

/** Entries as words of as many scripts as it takes. */
function* scriptsFor(entries: readonly Entry[]): Generator<(string | number)[], void> {
  let words: (string | number)[] = []
  for (const { key, value, ttlMs, tags } of entries) {
    const more = [key, value, ttlMs, tags.length, ...tags]
    if (words.length > 0 && words.length + more.length > MOST_WORDS) {
      yield words
      words = []
    }
    words.push(...more)
  }
  yield words
}

function* pages<T>(all: readonly T[], size: number): Generator<T[], void> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}
