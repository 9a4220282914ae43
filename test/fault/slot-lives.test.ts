import { afterEach, beforeEach, expect, it } from 'vitest'
import { compareCounters } from '../../jobs/compare-counters.ts'
import { isBursarError } from '../../src/errors.ts'
import { listEntries } from '../../src/ledger/queries/list-entries.ts'
import { readSlotRow } from '../../src/ledger/slot-row.ts'
import { redisOf } from '../../src/runtime.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'
import { gate, type Rig, startRig, until } from '../integration/queue-rig.ts'

let redis: Server
let rig: Rig
beforeEach(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  await rig.close()
  await redis.stop()
})

const ask = (content: string, more: object = {}) => ({
  user: 'rich',
  model: 'auto',
  cache: false,
  messages: [{ role: 'user' as const, content }],
  ...more,
})

const start = (env: Record<string, string> = {}) =>
  startRig({ env: { REDIS_URL: redis.url, ...env } })

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
  void rig.client.run(ask('slow')).catch(() => {})
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

async function held(): Promise<number> {
  const { store } = rig.runtime
  const windows = await store.peek(await store.windows())
  return windows.reduce((sum, window) => sum + (window?.heldNano ?? 0), 0)
}
