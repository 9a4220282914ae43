import { LRUCache } from 'lru-cache'
import { matcher } from '../matcher.ts'
import { noNumber } from './errors.ts'
import { type DataStore, isOf } from './store.ts'

interface Kept {
  readonly scope: string
  readonly key: string
  readonly value: string
  readonly tags: readonly string[]
}

const MOST_BYTES = 64 * 1_024 * 1_024
const NUMBER = /^-?\d+$/

/** Cached data of this process alone: embedded, in tests, and while Redis is away. The least used go first. */
export function memoryDataStore(maxBytes = MOST_BYTES): DataStore {
  const kept = new LRUCache<string, Kept>({
    maxSize: maxBytes,
    sizeCalculation: ({ scope, key, value }) => 2 * (scope.length + key.length + value.length) + 1,
  })
  const locks = new LRUCache<string, true>({ max: 100_000 })
  const at = (scope: string, key: string) => `${scope}\n${key}`

  function dropWhere(matches: (one: Kept) => boolean): number {
    const gone = [...kept.entries()].filter(([, one]) => matches(one))
    for (const [name] of gone) kept.delete(name)
    return gone.length
  }

  return {
    get: async (scope, keys) => keys.map((key) => kept.get(at(scope, key))?.value ?? null),
    async put(scope, entries) {
      for (const { ttlMs, ...entry } of entries) {
        // As in Redis: what a key was once found by it is still found by.
        const before = kept.peek(at(scope, entry.key))?.tags ?? []
        const tags = [...new Set([...before, ...entry.tags])]
        kept.set(at(scope, entry.key), { scope, ...entry, tags }, { ttl: ttlMs })
      }
    },
    drop: async (scope, keys) => keys.filter((key) => kept.delete(at(scope, key))).length,
    dropTagged: async (scope, tag) =>
      dropWhere((one) => one.scope === scope && one.tags.includes(tag)),
    async dropMatching(scope, pattern) {
      const matches = matcher(pattern)
      return dropWhere((one) => one.scope === scope && matches.test(one.key))
    },
    async expire(scope, key, ttlMs) {
      const known = kept.get(at(scope, key))
      if (known) kept.set(at(scope, key), known, { ttl: ttlMs })
      return known !== undefined
    },
    async increment(scope, key, by, ttlMs) {
      const known = kept.get(at(scope, key))
      if (known && !NUMBER.test(known.value)) throw noNumber(key)
      const value = Number(known?.value ?? 0) + by
      const ttl = known ? kept.getRemainingTTL(at(scope, key)) : ttlMs
      kept.set(at(scope, key), { tags: [], ...known, scope, key, value: String(value) }, { ttl })
      return value
    },
    async scopes(namespace) {
      const scopes = new Set([...kept.values()].map(({ scope }) => scope))
      return [...scopes].filter((scope) => isOf(scope, namespace))
    },
    async keys(scope, pattern, limit) {
      const matches = matcher(pattern)
      const found = [...kept.values()].filter((one) => one.scope === scope && matches.test(one.key))
      return found.slice(0, limit).map(({ key }) => key)
    },
    async lock(scope, key, ttlMs) {
      const name = at(scope, key)
      if (locks.has(name)) return null
      locks.set(name, true, { ttl: ttlMs })
      return { release: async () => void locks.delete(name) }
    },
    async close() {
      kept.clear()
    },
  }
}
