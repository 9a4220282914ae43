import { cp, rm } from 'node:fs/promises'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { compareCounters } from '../../jobs/compare-counters.ts'
import { lookAtSlot } from '../../src/admission/redis/lives.ts'
import { isBursarError } from '../../src/errors.ts'
import { listEntries } from '../../src/ledger/queries/list-entries.ts'
import { readSlotRow } from '../../src/ledger/slot-row.ts'
import { redisOf } from '../../src/runtime.ts'
import { type RedisOptions, type Server, startRedis } from '../helpers/services/index.ts'
import { ask, gate, type Rig, type RigOptions, startRig, until } from '../integration/queue-rig.ts'

let redis: Server
let rig: Rig
afterEach(async () => {
  await rig.close()
  await redis.stop()
})

async function start(rest: RigOptions = {}, server: RedisOptions = {}) {
  redis = await startRedis(server)
  return startRig({ ...rest, env: { REDIS_URL: redis.url, ...rest.env } })
}

/** Asks until the slot is open: whoever is refused meanwhile is told to try again. */
async function answered(content: string) {
  for (;;) {
    try {
      return await rig.client.run(ask(content))
    } catch (error) {
      if (!isBursarError(error) || !error.retryable) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

const emptied = () => redisOf(rig.runtime).commands.flushall()

/** Everything is in the ledger, counters say what it says, and nothing is booked that was not billed. */
async function expectSound() {
  const { runtime, sandbox } = rig
  await rig.drain()
  expect(await compareCounters(runtime.store, runtime.ledger)).toMatchObject({ differing: [] })
  const { entries } = await listEntries(runtime.ledger)
  const booked = entries.reduce((sum, { costNano }) => sum + costNano, 0)
  expect(booked).toBe(sandbox.stats().billedNano)
  const keys = [...new Set(entries.flatMap(({ windows }) => windows))]
  for (const window of await runtime.store.peek(keys)) {
    expect(window).toMatchObject({ heldNano: 0 })
  }
  return entries
}

it('empty-refuses-until-reopened: counters are those of the ledger before anybody is admitted', async () => {
  rig = await start()
  await rig.client.run(ask('one'))
  await rig.drain()
  await emptied()
  expect((await answered('two')).text).not.toBe('')
  expect(await readSlotRow(rig.runtime.ledger)).toMatchObject({ epoch: 2 })
  expect(await expectSound()).toHaveLength(2)
})

it('empty-after-settle-before-drain, known-cost-never-held-again: what was booked and not drained is booked again, once', async () => {
  rig = await start()
  await rig.client.run(ask('one'))
  await emptied()
  await answered('two')
  expect(await expectSound()).toHaveLength(2)
})

it('empty-with-live-holds: a call under way is held in the new life, and settled there', async () => {
  rig = await start()
  const { wait, open } = gate()
  rig.tap.decide = () => (rig.tap.calls.length === 1 ? { wait } : undefined)
  // Nobody waits for it, so that nobody hands it in again when Redis has lost it.
  await rig.client.enqueue(ask('slow'))
  await rig.tap.arrived(1)
  await emptied()
  await answered('quick')
  const [window] = await rig.runtime.store.peek(await rig.runtime.store.windows())
  expect(window?.heldNano).toBeGreaterThan(0)
  open()
  await until(async () => rig.sandbox.stats().billed === 2)
  await until(async () => (await held()) === 0)
  expect(await expectSound()).toHaveLength(2)
})

it('empty-twice: what the first life lost is in the third', async () => {
  rig = await start()
  await rig.client.run(ask('one'))
  await emptied()
  await answered('two')
  await emptied()
  await answered('three')
  expect(await readSlotRow(rig.runtime.ledger)).toMatchObject({ epoch: 3 })
  expect(await expectSound()).toHaveLength(3)
})

it('queue-lost: who waits for a job that an emptied Redis lost hands it in again, by itself', async () => {
  rig = await start({ workers: false })
  const run = rig.client.run(ask('lost', { jobId: 'job-that-is-lost' }))
  const { interactive } = rig.runtime.queues
  await until(async () => (await interactive.getPrioritizedCount()) === 1)
  const other = rig.client.result('job-that-is-lost')
  await emptied()
  await expect(other).rejects.toMatchObject({ code: 'QUEUE_LOST', retryable: true })
  await rig.startWorkers()
  expect((await run).receipt.jobId).toBe('job-that-is-lost')
  expect(rig.tap.calls).toHaveLength(1)
})

it('unsent-hold-of-old-epoch-admits-again: a worker that was about to send asks for a hold again', async () => {
  let begun = 0
  rig = await start({
    overrides: {
      wrapProvider: (provider) => ({
        ...provider,
        async call(hold, request, options) {
          begun += 1
          if (begun === 1) {
            await emptied()
            await until(async () => rig.runtime.life?.epoch() === 2)
          }
          return provider.call(hold, request, options)
        },
      }),
    },
  })
  const { receipt } = await rig.client.run(ask('about to send'))
  expect(begun).toBe(2)
  expect(rig.tap.calls).toHaveLength(1)
  expect(receipt.attempts).toBe(1)
  expect(await expectSound()).toHaveLength(1)
})

const runIn = async () => {
  const { redis: connected, options } = rig.runtime
  if (!connected) throw new Error('no Redis')
  const slot = await lookAtSlot({ redis: connected.commands, prefix: options.BURSAR_PREFIX })
  return slot.state === 'missing' ? null : { epoch: slot.epoch, run: slot.run }
}

it('a restart that loses nothing keeps the life of the slot, and every process goes on', async () => {
  rig = await start()
  await rig.client.run(ask('one'))
  const before = await runIn()
  await redis.kill()
  await redis.restart()
  await answered('two')
  const after = await runIn()
  expect(after?.epoch).toBe(1)
  expect(after?.run).not.toBe(before?.run)
  expect(await expectSound()).toHaveLength(2)
})

it('rollback-by-run-id: a server that came back without what it had acknowledged opens a new life', async () => {
  rig = await start({}, { args: ['--appendonly', 'no'] })
  const { commands } = redisOf(rig.runtime)
  await rig.client.run(ask('before the snapshot'))
  await commands.save()
  await rig.client.run(ask('drained after it'))
  await rig.drain()
  await rig.client.run(ask('not drained after it'))
  await redis.kill()
  await redis.restart()
  await answered('in the new life')
  expect((await runIn())?.epoch).toBe(2)
  expect(await expectSound()).toHaveLength(4)
})

it('an older file that was put in its place is found out, though the server says that it has everything', async () => {
  rig = await start()
  const { commands } = redisOf(rig.runtime)
  const dir = z.tuple([z.string(), z.string()]).parse(await commands.config('GET', 'dir'))[1]
  await rig.client.run(ask('before the copy'))
  await cp(`${dir}/appendonlydir`, `${dir}/copy`, { recursive: true })
  await rig.client.run(ask('after it'))
  await rig.drain()
  await redis.kill()
  await rm(`${dir}/appendonlydir`, { recursive: true })
  await cp(`${dir}/copy`, `${dir}/appendonlydir`, { recursive: true })
  await redis.restart()
  await answered('in the new life')
  expect((await runIn())?.epoch).toBe(2)
  expect(await expectSound()).toHaveLength(3)
})

async function held(): Promise<number> {
  const { store } = rig.runtime
  const windows = await store.peek(await store.windows())
  return windows.reduce((sum, window) => sum + (window?.heldNano ?? 0), 0)
}
