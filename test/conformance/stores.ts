import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { slotKeys } from '../../src/admission/keys.ts'
import { createMemoryStore } from '../../src/admission/memory.ts'
import { emptySlot } from '../../src/admission/model.ts'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import type { AdmissionStore, Signals } from '../../src/admission/store.ts'

export type SlotUnderTest = AdmissionStore &
  Signals & {
    /** What the key's own time to live does days after the window's end. */
    forgetWindow(key: string): Promise<void>
    /** What is left of a job when Redis lost its data. */
    forgetJob(job: string): Promise<void>
  }

/** A clock that a test moves. */
export interface TestClock {
  nowMs: number
}

export async function memorySlot(clock: TestClock): Promise<SlotUnderTest> {
  const state = emptySlot()
  const store = createMemoryStore({ clock: () => clock.nowMs, state })
  await store.open(1)
  return {
    ...store,
    forgetWindow: async (key) => void state.windows.delete(key),
    forgetJob: async (job) => void state.jobs.delete(job),
  }
}

/** A slot of its own on the shared Redis. */
export async function redisSlot(redis: Redis, clock: TestClock): Promise<SlotUnderTest> {
  const prefix = `{t-${randomUUID()}}`
  const store = await createRedisStore({ redis, prefix, clock: () => clock.nowMs })
  await store.open(1)
  const keys = slotKeys(prefix)
  return {
    ...store,
    forgetWindow: async (key) => void (await redis.del(keys.window(key))),
    forgetJob: async (job) => void (await redis.del(keys.job(job))),
  }
}
