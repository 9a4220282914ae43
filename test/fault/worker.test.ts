import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { compareCounters } from '../../jobs/compare-counters.ts'
import { expireHolds } from '../../jobs/expire-holds.ts'
import type { Answer } from '../../src/client/index.ts'
import { BursarError } from '../../src/errors.ts'
import { listEntries } from '../../src/ledger/queries/list-entries.ts'
import { outcomeCounts } from '../../src/ledger/queries/outcome-counts.ts'
import { redisOf } from '../../src/runtime.ts'
import { childEnv } from '../helpers/child-env.ts'
import { compiled } from '../helpers/compiled.ts'
import { startRedis } from '../helpers/services/index.ts'
import { ask, POLICY, type Rig, startRig, until } from '../integration/queue-rig.ts'

const CHILD = await compiled(new URL('./worker-child.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Takeover within four seconds; a machine that stops for two is not taken for dead. */
const QUICK = { JOB_LOCK_MS: '3000', STALLED_INTERVAL_MS: '1000', HOLD_TTL_MS: '3000' }

let rig: Rig
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rig.close()
})

const lostReply = () => new BursarError('STORE_UNAVAILABLE', 'lost', { retryable: true })

type Point =
  | 'before-send'
  | 'after-send-before-settle'
  | 'after-settle-before-finish'
  | 'waits-before-settle'
  | 'never'

async function startChild(dies: Point): Promise<ChildProcess> {
  const child = spawn(process.execPath, [CHILD], {
    cwd: ROOT,
    env: { ...childEnv(), ...rig.env, DIES: dies, PROVIDER_URL: rig.tap.url },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const died = once(child, 'exit').then(() => Promise.reject(new Error('the worker never started')))
  await Promise.race([once(child.stdout, 'data'), died])
  died.catch(() => {})
  return child
}

/** One job whose first worker dies at the point, and whose second finds it. */
async function dieAt(point: Point): Promise<Answer> {
  rig = await startRig({ env: QUICK, workers: false })
  const child = await startChild(point)
  const run = rig.client.run(ask('who is there'))
  await once(child, 'exit')
  await rig.startWorkers()
  return run
}

/** Everything that nobody settled is booked, and everything booked is in the ledger. */
async function settleAll() {
  const { runtime } = rig
  await until(async () => {
    await expireHolds.run(runtime)
    await rig.drain()
    const { entries } = await listEntries(runtime.ledger)
    const held = await heldNano()
    return held === 0 && entries.length > 0
  })
  // What was settled since the last look is told by now.
  await rig.drain()
  expect(await compareCounters(runtime.store, runtime.ledger)).toMatchObject({ differing: [] })
  const { entries } = await listEntries(runtime.ledger)
  return entries.toReversed().map(({ status, costNano, holdNano, attempt }) => ({
    status,
    costNano,
    holdNano,
    attempt,
  }))
}

async function heldNano(): Promise<number> {
  const { entries } = await listEntries(rig.runtime.ledger)
  const keys = [...new Set(entries.flatMap(({ windows }) => windows))]
  const states = await rig.runtime.store.peek(keys)
  return states.reduce((sum, state) => sum + (state?.heldNano ?? 0), 0)
}

it('death-before-send: the whole hold is booked unconfirmed, and the successor answers', async () => {
  const { receipt } = await dieAt('before-send')
  expect(receipt.attempts).toBe(2)
  expect(rig.tap.calls).toHaveLength(1)
  const [dead, answered] = await settleAll()
  expect(dead).toMatchObject({ status: 'unconfirmed', costNano: dead?.holdNano })
  expect(answered).toMatchObject({ status: 'confirmed', costNano: receipt.costNano })
})

it('death-after-send-before-settle: both calls are booked, the unknown one at its whole hold', async () => {
  const { receipt } = await dieAt('after-send-before-settle')
  expect(receipt.attempts).toBe(2)
  expect(rig.tap.calls).toHaveLength(2)
  const [dead, answered] = await settleAll()
  expect(dead).toMatchObject({ status: 'unconfirmed', costNano: dead?.holdNano })
  expect(answered).toMatchObject({ status: 'confirmed', costNano: receipt.costNano })
  const booked = (dead?.costNano ?? 0) + (answered?.costNano ?? 0)
  expect(booked).toBeGreaterThanOrEqual(rig.sandbox.stats().billedNano)
})

it('death-after-settle-before-finish, stalled-takeover-delivers-answer-without-call: one bill', async () => {
  const { receipt } = await dieAt('after-settle-before-finish')
  expect(receipt.attempts).toBe(1)
  const { interactive } = rig.runtime.queues
  await until(async () => (await interactive.getCompletedCount()) === 1)
  expect(rig.tap.calls).toHaveLength(1)
  expect(await settleAll()).toMatchObject([{ status: 'confirmed', costNano: receipt.costNano }])
  expect(rig.sandbox.stats().billedNano).toBe(receipt.costNano)
})

/** A worker process that is frozen in its call until its job was taken over and answered, then thawed. */
async function zombie() {
  // The call must not time out while its process is frozen.
  rig = await startRig({
    env: QUICK,
    workers: false,
    policy: POLICY.replace('timeout: 5s', 'timeout: 5m'),
  })
  const child = await startChild('never')
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  rig.tap.decide = () => (rig.tap.calls.length === 1 ? { wait: held } : undefined)
  const run = rig.client.run(ask('am I alive'))
  await rig.tap.arrived(1)
  child.kill('SIGSTOP')
  await rig.startWorkers()
  const answer = await run
  return { child, answer, release }
}

it('zombie-and-successor-both-call, finish-by-zombie-rejected: two entries, one end, one answer', async () => {
  const { child, answer, release } = await zombie()
  release()
  child.kill('SIGCONT')
  await until(async () => rig.sandbox.stats().billed === 2)
  const entries = await settleAll()
  expect(entries).toHaveLength(2)
  const { queues, ledger } = rig.runtime
  expect(await queues.interactive.getCompletedCount()).toBe(1)
  expect(await queues.interactive.getFailedCount()).toBe(0)
  expect(await outcomeCounts(ledger)).toMatchObject({ answered: 1, failed: 0 })
  const again = await rig.client.result(answer.receipt.jobId)
  expect(again.receipt.attemptId).toBe(answer.receipt.attemptId)
  const booked = entries.reduce((sum, { costNano }) => sum + costNano, 0)
  expect(booked).toBeGreaterThanOrEqual(rig.sandbox.stats().billedNano)
})

it('zombie-settles-after-successor-answered: its known cost replaces what expiry booked', async () => {
  rig = await startRig({ env: QUICK, workers: false })
  const { runtime, client } = rig
  const child = await startChild('waits-before-settle')
  const run = client.run(ask('am I alive'))
  if (child.stdout) await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  await rig.startWorkers()
  const answer = await run
  expect(answer.receipt.attempts).toBe(2)
  const [frozen] = await settleAll()
  expect(frozen).toMatchObject({ status: 'unconfirmed', costNano: frozen?.holdNano })
  child.kill('SIGCONT')
  child.stdin?.write('go on\n')
  await until(async () => {
    await rig.drain()
    const { entries } = await listEntries(runtime.ledger)
    return entries.every(({ status }) => status === 'confirmed')
  })
  const entries = await settleAll()
  expect(entries).toHaveLength(2)
  const booked = entries.reduce((sum, { costNano }) => sum + costNano, 0)
  expect(booked).toBe(rig.sandbox.stats().billedNano)
  expect((await client.result(answer.receipt.jobId)).text).toBe(answer.text)
})

it('attempt-lost-reply-same-hold: an admit whose reply was lost is replayed under the same hold', async () => {
  let lost = 0
  rig = await startRig({
    overrides: {
      wrapStore: (store) => ({
        ...store,
        async admit(command) {
          const reply = await store.admit(command)
          if (lost++ === 0) throw lostReply()
          return reply
        },
      }),
    },
  })
  const { receipt } = await rig.client.run(ask('say it again'))
  expect(receipt.attempts).toBe(1)
  expect(rig.tap.calls).toHaveLength(1)
  expect(await settleAll()).toMatchObject([{ status: 'confirmed', costNano: receipt.costNano }])
})

it.each([
  ['whose reply is lost', true],
  ['that does not get through', false],
])('a settlement %s is booked once, and the caller answered', async (_, arrives) => {
  let failures = 3
  rig = await startRig({
    overrides: {
      wrapStore: (store) => ({
        ...store,
        async settle(command) {
          if (failures === 0) return store.settle(command)
          failures -= 1
          if (arrives) await store.settle(command)
          throw lostReply()
        },
      }),
    },
  })
  const { receipt } = await rig.client.run(ask('pay once'))
  await until(async () => (await rig.runtime.queues.interactive.getCompletedCount()) === 1)
  expect(rig.tap.calls).toHaveLength(1)
  expect(await settleAll()).toMatchObject([{ status: 'confirmed', costNano: receipt.costNano }])
})

it('no result is lost while the subscriber is killed again and again', async () => {
  const redis = await startRedis()
  rig = await startRig({ env: { REDIS_URL: redis.url } })
  const jobs = 60
  const runs = Array.from({ length: jobs }, (_, at) => rig.client.run(ask(`number ${at}`)))
  let done = false
  const all = Promise.all(runs).finally(() => {
    done = true
  })
  while (!done) {
    await redisOf(rig.runtime).commands.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await new Promise(setImmediate)
  }
  const answers = await all
  expect(new Set(answers.map(({ receipt }) => receipt.jobId)).size).toBe(jobs)
  await rig.close()
  await redis.stop()
})
