import { Redis } from 'ioredis'
import { afterAll, beforeAll, inject } from 'vitest'
import { journalOver } from '../../src/admission/journal/pglite.ts'
import { slotKeys } from '../../src/admission/keys.ts'
import { emptySlot } from '../../src/admission/model.ts'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/embedded/database.ts'
import { chains } from './chains.ts'
import { credits } from './credits.ts'
import { interleavings } from './interleavings.ts'
import { joining } from './joining.ts'
import { damagedAnswers, keptAnswers } from './kept.ts'
import { leases } from './leases.ts'
import { journalSlot, memorySlot, redisSlot } from './stores.ts'
import { warnings } from './warnings.ts'

let redis: Redis
let embedded: EmbeddedDatabase
beforeAll(async () => {
  redis = new Redis(inject('redisUrl'))
  embedded = await openEmbeddedDatabase({ folder: null })
})
afterAll(() => Promise.all([redis.quit(), embedded.close()]))

for (const prove of [interleavings, joining, keptAnswers, chains, credits, warnings, leases]) {
  prove('the in-memory store', memorySlot)
  prove('Redis', (clock) => redisSlot(redis, clock))
  prove('the journal', (clock) => journalSlot(journalOver(embedded.database), clock))
}

damagedAnswers('the in-memory store', async (clock) => {
  const state = emptySlot()
  const store = await memorySlot(clock, state)
  const change = async (key: string, by: (text: string) => string) => {
    const kept = state.cache.get(key)
    if (kept) state.cache.set(key, { ...kept, text: by(kept.text) })
  }
  return { store, change }
})
damagedAnswers('Redis', async (clock) => {
  const store = await redisSlot(redis, clock)
  const change = async (key: string, by: (text: string) => string) => {
    const name = slotKeys(store.prefix).cached(key)
    await redis.set(name, by((await redis.get(name)) ?? ''))
  }
  return { store, change }
})
