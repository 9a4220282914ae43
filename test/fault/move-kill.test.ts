import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readMovedMark } from '../../src/embedded/moved-mark.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { readSlotRow } from '../../src/ledger/slot-row.ts'
import { tableSums } from '../../src/move/history.ts'
import { TABLES } from '../../src/move/types.ts'
import { compiled } from '../helpers/compiled.ts'
import { bursar } from '../integration/cli-harness.ts'
import {
  copyFolder,
  createTarget,
  createWorld,
  type TargetEnv,
  type World,
} from '../integration/move-world.ts'

const CHILD = await compiled(new URL('./move-child.ts', import.meta.url))
/** Moves that are killed twice each; BURSAR_KILLS=25 takes about five minutes. */
const MOVES = Number(process.env.BURSAR_KILLS ?? 3)

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

interface Life {
  /** Steps done; null = it was killed. */
  readonly steps: number | null
  readonly ms: number
}

/** @param killAtStep - 0 = never. @param killAfterMs - from outside, at any moment. */
async function live(
  env: NodeJS.ProcessEnv,
  killAtStep: number,
  killAfterMs?: number,
): Promise<Life> {
  const child = spawn(process.execPath, [CHILD], {
    env: { ...process.env, ...env, KILL_AT: String(killAtStep) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  let [steps, began]: [number | null, number] = [null, 0]
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('moved ')) steps = Number(line.slice(6))
    else began = Date.now()
    if (killAfterMs !== undefined && line === 'ready') {
      void pause(killAfterMs).then(() => child.kill('SIGKILL'))
    }
  }
  await closed
  return { steps, ms: Date.now() - began }
}

/** Limits whose state lives a minute or less. */
const FORGOTTEN_SOON = /^q:(b.*:burst|s60000:)/
const BULLMQ_OWN = /:(id|events|meta)$/

/** All that is in a Redis under the target's names, without the names. */
async function redisOf({ BURSAR_PREFIX: slot, BURSAR_QUEUE_PREFIX: queues, ...env }: TargetEnv) {
  const redis = new Redis(env.REDIS_URL)
  const found = new Map<string, unknown>()
  for (const prefix of [slot, queues]) {
    for (const key of await redis.keys(`${prefix}:*`)) {
      const name = key.slice(prefix.length + 1)
      // Each move has an id of its own; a bucket is full again, and a minute over, before the last copy has moved.
      if (name === 'move' || FORGOTTEN_SOON.test(name) || BULLMQ_OWN.test(key)) continue
      found.set(name, await contentOf(redis, key))
    }
  }
  redis.disconnect()
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key)
  if (type === 'hash') return redis.hgetall(key)
  if (type === 'zset') return redis.zrange(key, '0', '-1', 'WITHSCORES')
  return (await redis.getBuffer(key))?.toString('latin1')
}

async function booksOf({ DATABASE_URL: databaseUrl }: TargetEnv) {
  const ledger = await openLedger({ databaseUrl })
  const tables = await Promise.all(TABLES.map((table) => tableSums(ledger, table)))
  const slot = await readSlotRow(ledger)
  await ledger.close()
  return { tables, slot }
}

const allOf = async (target: TargetEnv) => ({
  redis: await redisOf(target),
  books: await booksOf(target),
})

test('kill -9 of a move at any moment, then again: as if it had never been disturbed', {
  timeout: 120_000 + MOVES * 30_000,
}, async () => {
  // Opened once, so that every copy is of the same moment: its holds are booked.
  const [settled, calm] = [await copyFolder(world), await createTarget()]
  await expect(
    bursar(['move', '--folder', settled], { ...world.env, ...UNREACHABLE }),
  ).resolves.toMatchObject({ code: 1 })
  const wholeFolder = await copyFolder({ folder: settled })
  const whole = await live({ ...world.env, ...calm, BURSAR_DATA: wholeFolder }, 0)
  expect(whole.steps).toBeGreaterThan(15)
  const wanted = await allOf(calm)
  expect(wanted.redis.size).toBeGreaterThan(30)

  for (let n = 0; n < MOVES; n += 1) {
    const [folder, target] = [await copyFolder({ folder: settled }), await createTarget()]
    const env = { ...world.env, ...target, BURSAR_DATA: folder }
    // The first dies among the jobs, with everything else there; the others anywhere.
    const last = whole.steps ?? 0
    const step = n === 0 ? last - 7 : 1 + Math.floor(Math.random() * last)
    const lives = [
      await live(env, step),
      await live(env, 0, Math.floor(Math.random() * whole.ms)),
      await live(env, 0),
    ]
    const story = `killed after step ${step}, then ${JSON.stringify(lives)}`
    expect(lives[0]?.steps, story).toBeNull()
    expect(lives[2]?.steps, story).not.toBeNull()
    expect(readMovedMark(folder)?.state, story).toBe('moved')
    expect(await allOf(target), story).toEqual(wanted)
    await rm(folder, { recursive: true })
  }
  await Promise.all([settled, wholeFolder].map((folder) => rm(folder, { recursive: true })))
})

/** Nobody listens there: the folder is put at rest, and nothing else happens. */
const UNREACHABLE = { REDIS_URL: 'redis://127.0.0.1:1', DATABASE_URL: 'postgres://127.0.0.1:1/x' }
