import { afterEach, expect, it } from 'vitest'
import { listEntries } from '../../src/ledger/queries/list-entries.ts'
import { outcomeCounts } from '../../src/ledger/queries/outcome-counts.ts'
import { createFollowingClock } from '../../src/queue/clock.ts'
import { ask, gate, POLICY, type Rig, type RigOptions, startRig, until } from './queue-rig.ts'

let rig: Rig
const start = async (options?: RigOptions) => {
  rig = await startRig(options)
  return rig
}
afterEach(() => rig.close())

it('sends a retryable failure again under a new hold, and books nothing for the first', async () => {
  const { client, tap, sandbox } = await start()
  tap.decide = () => (tap.calls.length === 1 ? { fault: '500' } : undefined)
  const { receipt } = await client.run(ask('try twice'))
  expect(tap.calls).toHaveLength(2)
  expect(receipt.attempts).toBe(2)
  expect(receipt.costNano).toBe(sandbox.stats().billedNano)
  expect(new Set(tap.calls.map(({ attempt }) => attempt)).size).toBe(2)
})

it('sdk-never-retries: one hold pays for one send, whatever the provider answers', async () => {
  const { client, tap } = await start()
  tap.decide = () => ({ fault: '500' })
  await expect(client.run(ask('always down'))).rejects.toMatchObject({
    code: 'PROVIDER_ERROR',
    retryable: true,
    detail: { status: 500, attempts: 3 },
  })
  const attempts = tap.calls.map(({ attempt }) => attempt)
  expect(attempts).toHaveLength(3)
  expect(new Set(attempts).size).toBe(3)
})

it('books the whole hold when nobody knows what became of a call', async () => {
  const { client, tap, runtime, drain } = await start()
  tap.decide = () => (tap.calls.length === 1 ? { fault: 'missing-usage' } : undefined)
  const { receipt } = await client.run(ask('count yourself'))
  await drain()
  const { entries } = await listEntries(runtime.ledger)
  const unconfirmed = entries.filter(({ status }) => status === 'unconfirmed')
  expect(unconfirmed).toHaveLength(receipt.attempts - 1)
  expect(unconfirmed.every(({ costNano, holdNano }) => costNano === holdNano)).toBe(true)
})

it('ends with the provider’s own error when a retry is not worth it', async () => {
  const { client, tap } = await start()
  tap.decide = () => ({ fault: '429-quota' })
  await expect(client.run(ask('no money there'))).rejects.toMatchObject({
    code: 'PROVIDER_ERROR',
    retryable: false,
    detail: { status: 429, code: 'insufficient_quota' },
  })
  expect(tap.calls).toHaveLength(1)
})

it('steps down when the provider pauses a model, for every worker, and says why', async () => {
  const { client, tap, startWorkers, newRuntime } = await start()
  await startWorkers(await newRuntime())
  tap.decide = ({ model }) =>
    model === 'gpt-6-astra' ? { fault: '429-retry-after', retryAfterMs: 60_000 } : undefined
  const first = await client.run(ask('one'))
  expect(first.receipt).toMatchObject({ modelServed: 'gpt-6-sol' })
  expect(first.receipt.why).toMatch(/paused by its provider/)
  tap.decide = () => undefined
  const sent = tap.calls.length
  const others = await Promise.all(['a', 'b', 'c', 'd'].map((text) => client.run(ask(text))))
  expect(others.map(({ receipt }) => receipt.attempts)).toEqual([1, 1, 1, 1])
  expect(tap.calls.slice(sent).filter(({ model }) => model === 'gpt-6-astra')).toHaveLength(0)
})

it('a pinned request waits for its paused model while another model goes on', async () => {
  const { client, tap } = await start()
  tap.decide = ({ model }) =>
    model === 'gpt-6-astra' && tap.calls.length === 1
      ? { fault: '429-retry-after', retryAfterMs: 500 }
      : undefined
  const order: string[] = []
  const paused = client
    .run(ask('pinned', { model: 'gpt-6-astra', pinned: true }))
    .then(({ receipt }) => {
      order.push('pinned')
      return receipt
    })
  await tap.arrived(1)
  const other = client.run(ask('other', { model: 'gpt-6-luna' })).then(() => order.push('other'))
  expect((await paused).attempts).toBe(2)
  await other
  expect(order).toEqual(['other', 'pinned'])
})

const SMALL = POLICY.replace('usd: "500", per: hour', 'usd: "0.3", per: minute')

it('refuses interactive work over budget with one typed error that says when it resumes', async () => {
  const { client, runtime, drain } = await start({ policy: SMALL.replace('"0.3"', '"0.00001"') })
  const refused = client.run(ask('too dear'))
  await expect(refused).rejects.toMatchObject({
    code: 'BUDGET_EXHAUSTED',
    retryable: false,
    detail: { budget: 'tier.premium/default/rich', limitUsd: '0.00001' },
  })
  await drain()
  expect(await outcomeCounts(runtime.ledger)).toMatchObject({ refused: 1, answered: 0 })
})

it('parks deferrable work over budget and resumes it by itself when the window rolls', async () => {
  const minuteMs = 60_000
  const startMs = Math.ceil(Date.now() / minuteMs) * minuteMs + 30_000
  const clock = createFollowingClock(startMs)
  const { client, runtime, tap } = await start({
    policy: SMALL.replace('"0.3"', '"0.005"')
      .replace('max_output_tokens: 4096', 'max_output_tokens: 9000')
      .replace('min_output_tokens: 16', 'min_output_tokens: 8000'),
    overrides: { clock },
  })
  const spend = { model: 'gpt-6-luna', metadata: { sandbox_output_tokens: '3000' } }
  await client.run(ask('spend it', spend))
  const { jobId } = await client.enqueue(ask('wait', { ...spend, urgency: 'deferrable' }))
  const { batch } = runtime.queues
  await until(async () => (await batch.getDelayedCount()) === 1)
  expect(tap.calls).toHaveLength(1)
  clock.follow(startMs + minuteMs)
  const { receipt } = await client.result(jobId)
  expect(receipt.attempts).toBe(1)
})

it('cancels a waiting and a running job', async () => {
  const { client, tap, runtime, startWorkers, drain } = await start({ workers: false })
  const waiting = client.run(ask('never starts', { jobId: 'waiting-job' }))
  const told = expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
  const { interactive } = runtime.queues
  await until(async () => (await interactive.getPrioritizedCount()) === 1)
  expect((await client.cancel('waiting-job')).status).toBe('cancelled')
  await told
  await startWorkers()

  const held = gate()
  tap.decide = () => ({ wait: held.wait })
  const running = client.run(ask('cut me', { jobId: 'running-job' }))
  const cut = expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
  await tap.arrived(1)
  expect((await client.cancel('running-job')).status).toMatch(/^cancell/)
  await cut
  held.open()
  expect((await client.cancel('running-job')).status).toBe('ended')
  await drain()
  const { entries } = await listEntries(runtime.ledger)
  expect(entries.map(({ status }) => status)).toEqual(['unconfirmed'])
  expect(await outcomeCounts(runtime.ledger)).toMatchObject({ cancelled: 2 })
})

it('an aborted run cancels its request', async () => {
  const { client, tap, drain, runtime } = await start()
  const held = gate()
  tap.decide = () => ({ wait: held.wait })
  const controller = new AbortController()
  const run = client.run(ask('abort me'), { signal: controller.signal })
  const aborted = expect(run).rejects.toMatchObject({ code: 'CANCELLED' })
  await tap.arrived(1)
  controller.abort()
  await aborted
  held.open()
  await until(async () => (await runtime.queues.interactive.getActiveCount()) === 0)
  await drain()
  expect(await outcomeCounts(runtime.ledger)).toMatchObject({ cancelled: 1 })
})

it('ends a request whose deadline passed before anybody could serve it', async () => {
  const { client, runtime, startWorkers } = await start({ workers: false })
  const late = client.run(ask('too late', { deadline: 1 }))
  const told = expect(late).rejects.toMatchObject({ code: 'DEADLINE_PASSED' })
  await until(async () => (await runtime.queues.interactive.getPrioritizedCount()) === 1)
  await startWorkers()
  await told
})

it('enqueue-replayed-after-removal: a job handed in again delivers its answer without a call', async () => {
  const { client, tap, runtime } = await start()
  const request = ask('once', { jobId: 'the-only-one' })
  const first = await client.run(request)
  await runtime.queues.interactive.obliterate({ force: true })
  const again = await client.run(request)
  expect(again.text).toBe(first.text)
  expect(again.receipt.attemptId).toBe(first.receipt.attemptId)
  expect(tap.calls).toHaveLength(1)
})

it('gives a timeout while the request goes on, and its result later', async () => {
  const { client, tap } = await start()
  const held = gate()
  tap.decide = () => ({ wait: held.wait })
  const run = client.run(ask('slow', { jobId: 'slow-job' }), { timeoutMs: 50 })
  await expect(run).rejects.toMatchObject({ code: 'WAIT_TIMEOUT', detail: { jobId: 'slow-job' } })
  held.open()
  expect((await client.result('slow-job')).text).not.toBe('')
})

it('a shutdown lets the running call end, and cuts it off when the time is over', async () => {
  const { client, tap, startWorkers, newRuntime } = await start({ workers: false })
  const workers = await startWorkers(await newRuntime())
  const held = gate()
  tap.decide = () => (tap.calls.length === 1 ? { wait: held.wait } : undefined)
  const run = client.run(ask('outlive me'))
  await tap.arrived(1)
  await workers.close(50)
  await startWorkers()
  expect((await run).receipt.attempts).toBe(2)
  held.open()
})
