import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { JournalDatabase } from '../../src/admission/journal/database.ts'
import { JOURNAL_SCHEMA } from '../../src/admission/journal/schema.ts'
import { createJournaledStore } from '../../src/admission/journal/store.ts'
import { slotKeys } from '../../src/admission/keys.ts'
import { createMemoryStore } from '../../src/admission/memory.ts'
import { emptySlot, type SlotState } from '../../src/admission/model.ts'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import type { AdmissionStore, Signals } from '../../src/admission/store.ts'

export type SlotUnderTest = AdmissionStore &
  Signals & {
    /** What the key's own time to live does days after the window's end. */
    forgetWindow(key: string): Promise<void>
    /** What is left of a job when Redis lost its data. */
    forgetJob(job: string): Promise<void>
    /** A counter that nobody can explain: what it says is moved by these amounts. */
    damage(key: string, by: { spentNano: number; heldNano: number }): Promise<void>
  }

/** A clock that a test moves. */
export interface TestClock {
  nowMs: number
}

export async function memorySlot(
  clock: TestClock,
  state: SlotState = emptySlot(),
): Promise<SlotUnderTest> {
  const store = createMemoryStore({ clock: () => clock.nowMs, state })
  await store.open(1)
  return {
    ...store,
    forgetWindow: async (key) => void state.windows.delete(key),
    forgetJob: async (job) => void state.jobs.delete(job),
    async damage(key, { spentNano, heldNano }) {
      const window = state.windows.get(key)
      if (!window) throw new Error(`no window ${key}`)
      window.spentNano += spentNano
      window.heldNano += heldNano
    },
  }
}

/** Where lib/windows.lua keeps them, in bytes. */
const SPENT_AT = 16
const HELD_AT = 24

/** A slot of its own on the shared Redis. */
export async function redisSlot(
  redis: Redis,
  clock: TestClock,
): Promise<SlotUnderTest & { readonly prefix: string }> {
  const prefix = `{t-${randomUUID()}}`
  const store = await createRedisStore({ redis, prefix, clock: () => clock.nowMs })
  await store.open(1)
  const keys = slotKeys(prefix)
  return {
    ...store,
    prefix,
    forgetWindow: async (key) => void (await redis.del(keys.window(key))),
    forgetJob: async (job) => void (await redis.del(keys.job(job))),
    async damage(key, { spentNano, heldNano }) {
      const packed = await redis.getBuffer(keys.window(key))
      if (!packed) throw new Error(`no window ${key}`)
      packed.writeDoubleLE(packed.readDoubleLE(SPENT_AT) + spentNano, SPENT_AT)
      packed.writeDoubleLE(packed.readDoubleLE(HELD_AT) + heldNano, HELD_AT)
      await redis.set(keys.window(key), packed)
    },
  }
}

/** The slot that the process before this one left in the database. */
export async function reopenedSlot(
  database: JournalDatabase,
  clock: TestClock,
): Promise<SlotUnderTest> {
  const reopen = () => createJournaledStore({ database, clock: () => clock.nowMs })
  const forget = async (kind: string, key: string) => {
    await database.query('delete from slot.record where kind = $1 and key = $2', [kind, key])
    Object.assign(slot, await reopen())
  }
  const slot: SlotUnderTest = {
    ...(await reopen()),
    forgetWindow: (key) => forget('windows', key),
    forgetJob: (job) => forget('jobs', job),
    async damage(key, by) {
      await database.query(
        `update slot.record set value = (value::jsonb || jsonb_build_object(
           'spentNano', (value::jsonb->'spentNano')::bigint + $2::bigint,
           'heldNano', (value::jsonb->'heldNano')::bigint + $3::bigint))::text
         where kind = 'windows' and key = $1`,
        [key, by.spentNano, by.heldNano],
      )
      Object.assign(slot, await reopen())
    },
  }
  return slot
}

/** An empty slot in a database that one test at a time uses. */
export async function journalSlot(
  database: JournalDatabase,
  clock: TestClock,
): Promise<SlotUnderTest> {
  for (const statement of JOURNAL_SCHEMA) await database.query(statement)
  await database.query('truncate slot.record, slot.outbox')
  const slot = await reopenedSlot(database, clock)
  await slot.open(1)
  return slot
}
