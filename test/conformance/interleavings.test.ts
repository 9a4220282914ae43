import { PGlite } from '@electric-sql/pglite'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, inject } from 'vitest'
import { journalOver } from '../../src/admission/journal/pglite.ts'
import { chains } from './chains.ts'
import { credits } from './credits.ts'
import { interleavings } from './interleavings.ts'
import { joining } from './joining.ts'
import { leases } from './leases.ts'
import { journalSlot, memorySlot, redisSlot } from './stores.ts'
import { warnings } from './warnings.ts'

let redis: Redis
let database: PGlite
beforeAll(async () => {
  redis = new Redis(inject('redisUrl'))
  database = await PGlite.create()
})
afterAll(() => Promise.all([redis.quit(), database.close()]))

for (const prove of [interleavings, joining, chains, credits, warnings, leases]) {
  prove('the in-memory store', memorySlot)
  prove('Redis', (clock) => redisSlot(redis, clock))
  prove('the journal', (clock) => journalSlot(journalOver(database), clock))
}
