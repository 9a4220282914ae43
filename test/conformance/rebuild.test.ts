import { PGlite } from '@electric-sql/pglite'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, inject } from 'vitest'
import { journalOver } from '../../src/admission/journal/pglite.ts'
import { rebuilding } from './rebuild.ts'
import { journalSlot, memorySlot, redisSlot } from './stores.ts'

let redis: Redis
let database: PGlite
beforeAll(async () => {
  redis = new Redis(inject('redisUrl'))
  database = await PGlite.create()
})
afterAll(() => Promise.all([redis.quit(), database.close()]))

rebuilding('the in-memory store', memorySlot)
rebuilding('Redis', (clock) => redisSlot(redis, clock))
rebuilding('the journal', (clock) => journalSlot(journalOver(database), clock))
