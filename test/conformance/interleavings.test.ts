import { Redis } from 'ioredis'
import { afterAll, beforeAll, inject } from 'vitest'
import { interleavings } from './interleavings.ts'
import { memorySlot, redisSlot } from './stores.ts'

let redis: Redis
beforeAll(() => {
  redis = new Redis(inject('redisUrl'))
})
afterAll(() => redis.quit())

interleavings('the in-memory store', memorySlot)
interleavings('Redis', (clock) => redisSlot(redis, clock))
