import { LRUCache } from 'lru-cache'
import type { CacheEntry } from './entry.ts'

/** An answer in this process. */
export interface NearAnswer {
  readonly entry: CacheEntry
  /** Checksum of the kept answer that it was read from; '' = it was never kept where others find it. */
  readonly sum: string
}

/** Answers by cache key. Keys carry the walls. */
export interface NearCache {
  /** @param ttlMs - no longer than the answer's own. */
  keep(key: string, answer: NearAnswer, ttlMs: number): void
  /** @returns null when it is not here, or no longer valid. */
  find(key: string): NearAnswer | null
  /** What all of it takes, about. */
  readonly bytes: number
}

/** Roughly what an entry costs beside its texts. */
const ENTRY_BYTES = 256
/** No single answer empties the rest. */
const LARGEST_PART = 8
/** About 30,000 short answers. */
const MOST_BYTES = 64 * 1_024 * 1_024

/**
 * Copies of answers in this process. While Redis can be asked, one is served only when Redis says that it is still the
 * one that is kept there, so that nothing which was changed or invalidated comes from here; while it is away, they are
 * what is left.
 * @param mostBytes - what all of it may take, about.
 */
export function createNearCache(mostBytes = MOST_BYTES): NearCache {
  const answers = new LRUCache<string, NearAnswer>({
    maxSize: mostBytes,
    maxEntrySize: Math.ceil(mostBytes / LARGEST_PART),
    // UTF-16 in the worst case.
    sizeCalculation: ({ entry }, key) =>
      2 * (entry.json.length + entry.text.length + key.length) + ENTRY_BYTES,
  })
  return {
    keep: (key, answer, ttlMs) => {
      if (ttlMs > 0) answers.set(key, answer, { ttl: ttlMs })
    },
    find: (key) => answers.get(key) ?? null,
    get bytes() {
      return answers.calculatedSize
    },
  }
}
