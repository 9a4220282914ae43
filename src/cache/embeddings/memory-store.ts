import { LRUCache } from 'lru-cache'
import type { VectorStore } from './store.ts'

const MOST_BYTES = 64 * 1_024 * 1_024

/** Vectors of this process alone. The least used go first. */
export function memoryVectorStore(maxBytes = MOST_BYTES): VectorStore {
  const kept = new LRUCache<string, string>({
    maxSize: maxBytes,
    sizeCalculation: (text, key) => text.length + key.length,
  })
  const beginning = (begin: string) => [...kept.keys()].filter((key) => key.startsWith(begin))
  return {
    get: async (keys) => keys.map((key) => kept.get(key) ?? null),
    async put(entries, ttlMs) {
      for (const [key, text] of entries) kept.set(key, text, { ttl: ttlMs })
    },
    async drop(keys) {
      for (const key of keys) kept.delete(key)
    },
    count: async (begin) => beginning(begin).length,
    clear: async (begin) => beginning(begin).filter((key) => kept.delete(key)).length,
  }
}
