import type { Redis } from 'ioredis'
import { z } from 'zod'
import { slotKeys } from '../../admission/keys.ts'
import { loadScript } from '../../admission/redis/load-script.ts'
import { runScript } from '../../admission/redis/run-script.ts'
import { answered } from '../answered.ts'
import { MOST_PROMPTS, PROMPT_TTL_MS, type PromptShelf } from './prompt-shelf.ts'

const script = loadScript(new URL('./keep-prompt.lua', import.meta.url))
const Count = z.int().min(0)
const Texts = z.array(z.string().nullable())

/** Prompts in Redis. @param prefix - the slot's. */
export function redisPrompts(redis: Redis, prefix: string): PromptShelf {
  const { prompt, prompts } = slotKeys(prefix)
  return {
    keep: (key, wall, text) =>
      answered(async () => {
        const words = [Date.now(), key, text, PROMPT_TTL_MS, MOST_PROMPTS]
        Count.parse(await runScript(redis, script, [prompt(key), prompts(wall)], words))
      }),
    find: (keys) =>
      answered(async () =>
        keys.length === 0 ? [] : Texts.parse(await redis.mget(keys.map(prompt))),
      ),
  }
}
