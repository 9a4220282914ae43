import { createRedisStore } from '../../admission/redis/store.ts'
import { readCacheKeys } from '../../cache/codec/keys.ts'
import { redisAnswers } from '../../cache/invalidation/redis-answers.ts'
import { createAnswers } from '../../cache/responses/answers.ts'
import { createKeeper } from '../../cache/responses/keeper.ts'
import { createNearCache } from '../../cache/responses/near-cache.ts'
import { redisPrompts } from '../../cache/warming/redis-prompts.ts'
import type { Options } from '../../config/options.ts'
import { connectCommands } from '../../queue/connection.ts'
import type { WarmPlace } from '../cache/place.ts'
import { PATIENCE_MS, redisUrlOf } from './redis-slot.ts'

/**
 * Connects to whatever asks beforehand; the caller closes it.
 * @throws {BursarError} INVALID_OPTIONS without an address, STORE_UNAVAILABLE.
 */
export async function openWarming(
  options: Options,
): Promise<WarmPlace & { close(): Promise<void> }> {
  const { BURSAR_PREFIX: prefix, BURSAR_CACHE_KEYS } = options
  const url = redisUrlOf(options)
  const redis = connectCommands({ url, name: 'bursar-cli', timeoutMs: PATIENCE_MS })
  try {
    const store = await createRedisStore({ redis, prefix })
    const keeper = createKeeper(readCacheKeys(BURSAR_CACHE_KEYS))
    return {
      store,
      kept: createAnswers(keeper, createNearCache()),
      answerShelf: redisAnswers(redis, prefix),
      prompts: { shelf: redisPrompts(redis, prefix), keeper },
      async close() {
        await store.close()
        redis.disconnect()
      },
    }
  } catch (error) {
    redis.disconnect()
    throw error
  }
}
