import { LRUCache } from 'lru-cache'
import { MOST_PROMPTS, PROMPT_TTL_MS, type PromptShelf } from './prompt-shelf.ts'

/** Prompts of a process that is alone: as many in all as one tenant may have. */
export function memoryPrompts(): PromptShelf {
  const kept = new LRUCache<string, string>({ max: MOST_PROMPTS, ttl: PROMPT_TTL_MS })
  return {
    keep: async (key, _wall, text) => void kept.set(key, text),
    find: async (keys) => keys.map((key) => kept.get(key) ?? null),
  }
}
