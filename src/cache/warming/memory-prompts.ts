import { LRUCache } from 'lru-cache'
import { MOST_PROMPTS, PROMPT_TTL_MS, type PromptShelf } from './prompt-shelf.ts'

/** Prompts of a process that is alone. */
export function memoryPrompts(): PromptShelf {
  const walls = new LRUCache<string, LRUCache<string, string>>({ max: 1_000 })
  const wallOf = new Map<string, string>()
  return {
    async keep(key, wall, text) {
      const kept =
        walls.get(wall) ??
        new LRUCache<string, string>({
          max: MOST_PROMPTS,
          ttl: PROMPT_TTL_MS,
          dispose: (_, gone, why) => {
            if (why !== 'set') wallOf.delete(gone)
          },
        })
      walls.set(wall, kept)
      kept.set(key, text)
      wallOf.set(key, wall)
    },
    find: async (keys) => keys.map((key) => walls.get(wallOf.get(key) ?? '')?.get(key) ?? null),
  }
}
