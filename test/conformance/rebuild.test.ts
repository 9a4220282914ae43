import { Redis } from 'ioredis'
import { afterAll, beforeAll, inject } from 'vitest'
import { journalOver } from '../../src/admission/journal/pglite.ts'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/embedded/database.ts'
import { rebuilding } from './rebuild.ts'
import { journalSlot, memorySlot, redisSlot } from './stores.ts'

let redis: Redis
let embedded: EmbeddedDatabase
beforeAll(async () => {
  redis = new Redis(inject('redisUrl'))
  embedded = await openEmbeddedDatabase({ folder: null })
})
afterAll(() => Promise.all([redis.quit(), embedded.close()]))

rebuilding('the in-memory store', memorySlot)
rebuilding('Redis', (clock) => redisSlot(redis, clock))
rebuilding('the journal', (clock) => journalSlot(journalOver(embedded.database), clock))
