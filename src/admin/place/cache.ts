import type { Redis } from 'ioredis'
import { z } from 'zod'
import { answered } from '../../cache/answered.ts'
import { dataPrefix, redisDataStore } from '../../cache/data/redis-store.ts'
import { redisVectorStore } from '../../cache/embeddings/redis-store.ts'
import { redisFigures } from '../../cache/figures/redis-figures.ts'
import { redisAnswers } from '../../cache/invalidation/redis-answers.ts'
import type { CachePlace, Memory } from '../cache/place.ts'

const Bytes = z.coerce.number().int().min(0)

/** The cache of a slot in Redis. @param redis - stays the caller's to close. */
export function cacheOver(redis: Redis, slotPrefix: string): CachePlace {
  const prefix = dataPrefix(slotPrefix)
  return {
    answers: redisAnswers(redis, slotPrefix),
    vectors: redisVectorStore(redis, slotPrefix),
    data: redisDataStore(redis, prefix),
    figures: redisFigures(redis, prefix),
    memory: () => answered(async () => readMemory(await redis.info('memory'))),
  }
}

function readMemory(info: string): Memory {
  const field = (name: string) => Bytes.parse(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1])
  return { usedBytes: field('used_memory'), maxBytes: field('maxmemory') || null }
}
