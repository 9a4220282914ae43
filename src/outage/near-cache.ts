import { LRUCache } from 'lru-cache'

/** Texts by exact-cache key. */
export interface NearCache {
  /** @param ttlMs - no longer than the answer's own. */
  keep(key: string, text: string, ttlMs: number): void
  /** @returns null when it is not here, or no longer valid. */
  find(key: string): string | null
}

/** Roughly what an entry costs beside its text. */
const ENTRY_BYTES = 256
/** No single answer empties the rest. */
const LARGEST_PART = 8

/**
 * Copies of answers in this process: read only while Redis is away, so that what was changed or invalidated there is
 * never served from here while it can be asked. Keys carry the tenant's wall.
 * @param mostBytes - what all of it may take, about.
 */
export function createNearCache(mostBytes: number): NearCache {
  const texts = new LRUCache<string, string>({
    maxSize: mostBytes,
    maxEntrySize: Math.ceil(mostBytes / LARGEST_PART),
    // UTF-16 in the worst case.
    sizeCalculation: (text, key) => 2 * (text.length + key.length) + ENTRY_BYTES,
  })
  return {
    keep: (key, text, ttlMs) => {
      if (ttlMs > 0) texts.set(key, text, { ttl: ttlMs })
    },
    find: (key) => texts.get(key) ?? null,
  }
}
