import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { drainOnce } from '../../src/ledger/drain.ts'
import { listEntries } from '../../src/ledger/queries/list-entries.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { childEnv } from '../helpers/child-env.ts'
import { compiled } from '../helpers/compiled.ts'
import { type Rig, startRig } from '../integration/queue-rig.ts'

const CHILD = await compiled(new URL('./worker-child.ts', import.meta.url))
/** The successor takes the job over within four seconds. */
const QUICK = { JOB_LOCK_MS: '3000', STALLED_INTERVAL_MS: '1000' }

let rig: Rig
afterEach(() => rig.close())

/** One job; the process that has the folder dies at the point, and the next one that opens it finds all of it. */
async function dieAt(
  point: 'before-send' | 'after-send-before-settle' | 'after-settle-before-finish',
) {
  rig = await startRig({ env: QUICK, workers: false })
  const { jobId } = await rig.client.enqueue({
    ...{ user: 'rich', model: 'auto', cache: false as const },
    messages: [{ role: 'user', content: 'Explain recursion' }],
  })
  await rig.runtime.close()
  const child = spawn(process.execPath, [CHILD], {
    env: { ...childEnv(), ...rig.env, DIES: point, PROVIDER_URL: rig.tap.url },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
  const calls = rig.tap.calls.length

  const runtime = await rig.reopen()
  const { store, ledger } = runtime
  await drainOnce(ledger, store.outbox, { batch: 100 })
  const [dead] = (await listEntries(ledger, { job: jobId })).entries
  const workers = await rig.startWorkers(runtime)
  const client = clientOf(runtime)
  const { receipt } = await client.result(jobId)
  await client.close()
  await workers.close()
  await drainOnce(ledger, store.outbox, { batch: 100 })
  const { entries } = await listEntries(ledger, { job: jobId })
  return { calls, dead, receipt, entries }
}

test('embedded-kill-between-intent-and-call: the hold was kept before the call, and is booked whole at the next start', async () => {
  const { calls, dead, receipt, entries } = await dieAt('before-send')
  expect(calls).toBe(0)
  expect(dead).toMatchObject({ status: 'unconfirmed', costNano: dead?.holdNano })
  expect(receipt.attempts).toBe(2)
  expect(entries.map(({ status }) => status).toSorted()).toEqual(['confirmed', 'unconfirmed'])
  expect(rig.tap.calls).toHaveLength(1)
})

test('embedded-kill-after-call: the bill of a call whose end nobody wrote down is covered by its hold', async () => {
  const { calls, dead, receipt, entries } = await dieAt('after-send-before-settle')
  expect(calls).toBe(1)
  expect(dead).toMatchObject({ status: 'unconfirmed', costNano: dead?.holdNano })
  expect(dead?.costNano).toBeGreaterThan(0)
  expect(receipt.attempts).toBe(2)
  expect(entries).toHaveLength(2)
  expect(rig.tap.calls).toHaveLength(2)
})

test('a kill between settlement and the end of the job: the answer is delivered, and nobody is called again', async () => {
  const { dead: settled, receipt, entries } = await dieAt('after-settle-before-finish')
  expect(settled).toMatchObject({ status: 'confirmed' })
  expect(receipt.attempts).toBe(1)
  expect(entries).toHaveLength(1)
  expect(rig.tap.calls).toHaveLength(1)
})
