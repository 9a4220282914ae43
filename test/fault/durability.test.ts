import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { compareCounters } from '../../jobs/compare-counters.ts'
import { expireHolds } from '../../jobs/expire-holds.ts'
import { run } from '../../src/ledger/ledger.ts'
import { nowMs } from '../../src/ledger/processes.ts'
import { listEntries } from '../../src/ledger/queries/list-entries.ts'
import { readSlotRow } from '../../src/ledger/slot-row.ts'
import { redisOf } from '../../src/runtime.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { childEnv } from '../helpers/child-env.ts'
import { compiled } from '../helpers/compiled.ts'
import { canFillDisk, withFullDisk } from '../helpers/full-disk.ts'
import { type RedisOptions, type Server, startRedis } from '../helpers/services/index.ts'
import { bursar } from '../integration/cli-harness.ts'
import { ask, gate, POLICY, type Rig, startRig, until } from '../integration/queue-rig.ts'

const CHILD = await compiled(new URL('./worker-child.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

interface World {
  readonly rig: Rig
  readonly redis: Server
  readonly folder: string
  readonly bill: string
  said(words: string): number
  /** A worker process over a folder for its journal. */
  worker(dies: string, data?: string): Promise<ChildProcess>
}

interface Wanted {
  readonly durability: 'redis' | 'journal'
  readonly server?: RedisOptions
}

async function startWorld({ durability, server = {} }: Wanted): Promise<World> {
  const redis = await startRedis(server)
  closers.push(() => redis.stop())
  const folder = await mkdtemp(join(tmpdir(), 'bursar-durability-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  const bill = join(folder, 'bill.jsonl')
  const lines: string[] = []
  const sink = { write: (line: string) => void lines.push(line) }
  const rig = await startRig({
    policy: POLICY.replace('attempts: 3', `attempts: 3, durability: ${durability}`),
    workers: false,
    sandbox: { bill },
    overrides: { logger: createLogger({ level: 'info', name: 'rig', destination: sink }) },
    env: { REDIS_URL: redis.url, BURSAR_DATA: join(folder, 'data'), HOLD_TTL_MS: '2000' },
  })
  closers.push(() => rig.close())
  return {
    ...{ rig, redis, folder, bill },
    said: (words) => lines.filter((line) => line.includes(words)).length,
    async worker(dies, data) {
      const own = data === undefined ? {} : { BURSAR_DATA: data }
      const env = { ...childEnv(), ...rig.env, ...own, DIES: dies }
      const child = spawn(process.execPath, [CHILD], {
        ...{ cwd: ROOT, env: { ...env, PROVIDER_URL: rig.tap.url } },
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      closers.push(() => child.kill('SIGKILL'))
      await once(child.stdout, 'data')
      return child
    },
  }
}

const exited = async (child: ChildProcess) => {
  if (child.signalCode === null && child.exitCode === null) await once(child, 'exit')
}

/** The dead process fell silent so long ago that nobody waits for it beyond a moment. */
const silenced = ({ rig }: World) =>
  run(
    rig.runtime.ledger.db,
    sql`update processes set beat_at_ms = ${nowMs} - 25000 where id <> ${rig.runtime.life?.process}`,
  )

const inLife = ({ rig }: World, epoch: number) =>
  until(async () => rig.runtime.life?.epoch() === epoch)

/** Everything that was billed is booked, once, and the counters are the ledger's. @param as - how, in the end. */
async function booked({ rig }: World, as: 'confirmed' | 'unconfirmed' = 'confirmed') {
  const { runtime } = rig
  await until(async () => {
    await expireHolds.run(runtime)
    await rig.drain()
    const windows = await runtime.store.peek(await runtime.store.windows())
    const { entries } = await listEntries(runtime.ledger)
    const isBooked = entries.length > 0 && entries.every(({ status }) => status === as)
    return isBooked && windows.every((window) => window?.heldNano === 0)
  })
  expect(await compareCounters(runtime.store, runtime.ledger)).toMatchObject({ differing: [] })
  const { entries } = await listEntries(runtime.ledger)
  return entries.map(({ costNano, status }) => ({ costNano, status }))
}

const asBilled = ({ rig }: World) => [
  { costNano: rig.sandbox.stats().billedNano, status: 'confirmed' },
]

/** What becomes of Redis; each comes in two parts: before the worker settles, and after it is dead. */
const LOSSES: Readonly<
  Record<string, { readonly server?: RedisOptions; prepare(world: World): Promise<Loss> }>
> = {
  emptied: {
    prepare:
      async ({ rig }) =>
      async () =>
        void (await redisOf(rig.runtime).commands.flushall()),
  },
  'rolled back': {
    server: { args: ['--appendonly', 'no'] },
    async prepare({ rig, redis }) {
      await redisOf(rig.runtime).commands.save()
      return async () => {
        await redis.kill()
        await redis.restart()
      }
    },
  },
  // Its settings are right, so that nothing but what the dead process was granted speaks against it.
  'an older file in its place': {
    async prepare({ rig, redis }) {
      const said = await redisOf(rig.runtime).commands.config('GET', 'dir')
      const [, dir] = z.tuple([z.string(), z.string()]).parse(said)
      await cp(`${dir}/appendonlydir`, `${dir}/copy`, { recursive: true })
      return async () => {
        await redis.kill()
        await rm(`${dir}/appendonlydir`, { recursive: true })
        await cp(`${dir}/copy`, `${dir}/appendonlydir`, { recursive: true })
        await redis.restart()
      }
    },
  },
}
type Loss = () => Promise<void>

test.each(Object.entries(LOSSES))(
  'empty-plus-death-journal-on (%s): what a dead process had settled is booked, at once and at its cost',
  async (_how, { server, prepare }) => {
    const world = await startWorld({ durability: 'journal', ...(server && { server }) })
    const lose = await prepare(world)
    const child = await world.worker('after-settle-before-finish')
    await world.rig.client.enqueue(ask('settled, and never drained'))
    await exited(child)
    await lose()
    await inLife(world, 2)
    expect(await booked(world)).toEqual(asBilled(world))
    expect(world.said('took over what a dead process had written down')).toBe(1)
    // Half a minute, had it to be waited for.
    expect(world.said('waiting for what processes owe')).toBe(0)
    expect(world.said('these processes did not report')).toBe(0)
  },
)

test('empty-plus-death-journal-on: a call whose end nobody knows is booked whole', async () => {
  const world = await startWorld({ durability: 'journal' })
  const { rig } = world
  const { wait, open } = gate()
  rig.tap.decide = () => ({ wait })
  const child = await world.worker('never')
  await rig.client.enqueue(ask('under way'))
  await rig.tap.arrived(1)
  child.kill('SIGKILL')
  await exited(child)
  await redisOf(rig.runtime).commands.flushall()
  open()
  await inLife(world, 2)
  const [entry, ...others] = await booked(world, 'unconfirmed')
  expect(others).toEqual([])
  expect(entry?.costNano).toBeGreaterThanOrEqual(rig.sandbox.stats().billedNano)
})

test('a journal whose disk comes back after the slot was made again is booked then, once', async () => {
  const world = await startWorld({ durability: 'journal' })
  const { rig, folder } = world
  const data = join(folder, 'other-disk')
  const child = await world.worker('after-settle-before-finish', data)
  await rig.client.enqueue(ask('on another disk'))
  await exited(child)
  await silenced(world)
  await redisOf(rig.runtime).commands.flushall()
  await inLife(world, 2)
  expect(world.said('these processes did not report')).toBe(1)
  const next = await world.worker('never', data)
  expect(await booked(world)).toEqual(asBilled(world))
  next.kill('SIGTERM')
  await exited(next)
  await world.worker('never', data)
  expect(await booked(world)).toEqual(asBilled(world))
  expect((await readSlotRow(rig.runtime.ledger)).epoch).toBe(2)
})

test('nothing was emptied: what a dead process knew is settled at its cost, not whole', async () => {
  const world = await startWorld({ durability: 'journal' })
  const { rig } = world
  const child = await world.worker('waits-before-settle')
  await rig.client.enqueue(ask('its end is on disk'))
  await once(child.stdout ?? child, 'data')
  child.kill('SIGKILL')
  await exited(child)
  expect(await booked(world)).toEqual(asBilled(world))
})

test('empty-plus-death-journal-off-is-reported: it is named, and the bill finds the difference', async () => {
  const world = await startWorld({ durability: 'redis' })
  const { rig, bill } = world
  const child = await world.worker('after-settle-before-finish')
  await rig.client.enqueue(ask('lost'))
  await exited(child)
  await silenced(world)
  await redisOf(rig.runtime).commands.flushall()
  await inLife(world, 2)
  expect(world.said('these processes did not report')).toBe(1)
  await rig.drain()
  const { code, stdout } = await bursar(['verify', '--bill', bill, '--json'], rig.env)
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ ok: false })
})

test.runIf(canFillDisk)(
  'a full disk sends the job back unsent, and it is called when there is room',
  async () => {
    const world = await startWorld({ durability: 'journal' })
    const { rig } = world
    await rig.startWorkers()
    await rig.client.run(ask('with room'))
    await withFullDisk(1, async () => {
      await rig.client.enqueue(ask('without', { jobId: 'job-without-room' }))
      await until(async () => (await rig.runtime.queues.interactive.getDelayedCount()) === 1)
    })
    expect(rig.tap.calls).toHaveLength(1)
    expect((await rig.client.result('job-without-room')).text).not.toBe('')
    await rig.drain()
    expect(await compareCounters(rig.runtime.store, rig.runtime.ledger)).toMatchObject({
      differing: [],
    })
  },
)
