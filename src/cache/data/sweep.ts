import type { Redis } from 'ioredis'
import { z } from 'zod'
import { loadScript } from '../../admission/redis/load-script.ts'
import { runScript } from '../../admission/redis/run-script.ts'
import { answered } from '../answered.ts'

const script = loadScript(new URL('./sweep.lua', import.meta.url))

/** Names that one step looks at, so that others are served in between. */
const PAGE = 500

const Count = z.int().min(0)
const Texts = z.array(z.string())
const ScanReply = z.tuple([z.string(), Texts])

/** What was left behind and is gone now. */
export interface Swept {
  /** Names in sets of tags whose values had ended: a set lives as long as its last value, the names in it do not. */
  readonly tags: number
  /** Names in the index of a scope whose time was over. */
  readonly index: number
}

/**
 * Forgets names of cached data that ended. Again, and beside any traffic, is harmless.
 * @param prefix - as `redisDataStore` has it.
 * @param signal - aborted = it stops after the page under way.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export async function sweepData(redis: Redis, prefix: string, signal: AbortSignal): Promise<Swept> {
  const scopes = new Set(
    Texts.parse(await answered(async () => redis.smembers(`${prefix}:scopes`))),
  )
  let [tags, index] = [0, 0]
  for (const scope of scopes) {
    if (signal.aborted) break
    index += Count.parse(
      await answered(async () =>
        redis.zremrangebyscore(`${prefix}:{${scope}}:keys`, '-inf', Date.now()),
      ),
    )
  }
  for await (const set of tagSets(redis, prefix)) {
    if (signal.aborted) break
    const scope = scopeOf(set.slice(prefix.length + 2), scopes)
    if (scope !== undefined) tags += await sweepTag(redis, set, `${prefix}:{${scope}}:v:`)
  }
  return { tags, index }
}

async function* tagSets(redis: Redis, prefix: string): AsyncGenerator<string, void> {
  for (let cursor: string | null = '0'; cursor !== null; ) {
    const from: string = cursor
    const [next, names] = ScanReply.parse(
      await answered(async () => redis.scan(from, 'MATCH', `${prefix}:{*}:t:*`, 'COUNT', 1_000)),
    )
    yield* names
    cursor = next === '0' ? null : next
  }
}

const MARK = '}:t:'

/** A scope and a tag may both have in them what stands between them: the scope is one that is known. */
function scopeOf(rest: string, scopes: ReadonlySet<string>): string | undefined {
  for (let at = rest.indexOf(MARK); at >= 0; at = rest.indexOf(MARK, at + 1)) {
    if (scopes.has(rest.slice(0, at))) return rest.slice(0, at)
  }
  return undefined
}

async function sweepTag(redis: Redis, set: string, under: string): Promise<number> {
  let swept = 0
  for (let cursor: string | null = '0'; cursor !== null; ) {
    const from: string = cursor
    const [next, names] = ScanReply.parse(
      await answered(async () => redis.sscan(set, from, 'COUNT', PAGE)),
    )
    for (let at = 0; at < names.length; at += PAGE) {
      const page = names.slice(at, at + PAGE)
      const keys = [set, ...page.map((name) => under + name)]
      swept += Count.parse(await answered(async () => runScript(redis, script, keys, page)))
    }
    cursor = next === '0' ? null : next
  }
  return swept
}
