import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { createMemoryStore } from '../../src/admission/memory.ts'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import type { AdmissionStore, Signals } from '../../src/admission/store.ts'

export type SlotUnderTest = AdmissionStore & Signals

/** A clock that a test moves. */
export interface TestClock {
  nowMs: number
}

export async function memorySlot(clock: TestClock): Promise<SlotUnderTest> {
  const store = createMemoryStore({ clock: () => clock.nowMs })
  await store.open(1)
  return store
}

/** A slot of its own on the shared Redis. */
export async function redisSlot(redis: Redis, clock: TestClock): Promise<SlotUnderTest> {
  const prefix = `{t-${randomUUID()}}`
  const store = await createRedisStore({ redis, prefix, clock: () => clock.nowMs })
  await store.open(1)
  return store
}
