import { afterEach, expect, it } from 'vitest'
import { outcomeCounts } from '../../src/ledger/queries/outcome-counts.ts'
import { gate, type Rig, type RigOptions, startRig, until } from './queue-rig.ts'

let rig: Rig
const start = async (options?: RigOptions) => {
  rig = await startRig(options)
  return rig
}
afterEach(() => rig.close())

const ask = (content: string, more: object = {}) => ({
  user: 'rich',
  model: 'auto',
  messages: [{ role: 'user' as const, content }],
  ...more,
})

const waiting = async ({ runtime }: Rig, jobs: number) => {
  const { interactive, batch } = runtime.queues
  await until(async () => {
    const counts = await Promise.all([interactive, batch].map((queue) => queue.getDelayedCount()))
    return counts.reduce((sum, count) => sum + count, 0) === jobs
  })
}

it('a class that asks the same at once pays for one answer, and each receipt says who paid', async () => {
  const { client, tap, sandbox, runtime, newRuntime, startWorkers, drain } = await start()
  await startWorkers(await newRuntime())
  const { wait, open } = gate()
  tap.decide = () => ({ wait })
  const all = Array.from({ length: 30 }, (_, i) =>
    client.run(ask('why is the sky blue?', { user: `pupil${i}`, urgency: 'deferrable' })),
  )
  await waiting(rig, 29)
  open()
  const answers = await Promise.all(all)
  expect(tap.calls).toHaveLength(1)
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  const receipts = answers.map(({ receipt }) => receipt)
  const [payer, ...others] = receipts.filter(({ cache }) => cache === 'miss')
  expect(others).toEqual([])
  expect(payer?.costNano).toBe(sandbox.stats().billedNano)
  const joined = receipts.filter(({ cache }) => cache === 'joined')
  expect(joined).toHaveLength(29)
  expect(new Set(joined.map(({ paidBy }) => paidBy))).toEqual(new Set([payer?.attemptId]))
  expect(joined.every(({ costNano }) => costNano === 0)).toBe(true)
  await drain()
  expect(await outcomeCounts(runtime.ledger)).toMatchObject({ answered: 1, joined: 29 })
})

it('when the one that pays fails for good, one of those that wait takes over', async () => {
  const { client, tap } = await start()
  const { wait, open } = gate()
  tap.decide = () => (tap.calls.length === 1 ? { wait, fault: '429-quota' } : undefined)
  const first = client.run(ask('who pays?', { user: 'u0' }))
  first.catch(() => {})
  await tap.arrived(1)
  const others = [1, 2, 3].map((i) => client.run(ask('who pays?', { user: `u${i}` })))
  await waiting(rig, 3)
  open()
  await expect(first).rejects.toMatchObject({ code: 'PROVIDER_ERROR' })
  const receipts = (await Promise.all(others)).map(({ receipt }) => receipt.cache)
  expect(receipts.filter((cache) => cache === 'miss')).toHaveLength(1)
  expect(tap.calls).toHaveLength(2)
})

it('when the one that pays is cancelled, nobody who waits is', async () => {
  const { client, tap } = await start()
  const { wait, open } = gate()
  tap.decide = () => (tap.calls.length === 1 ? { wait } : undefined)
  const controller = new AbortController()
  const first = client.run(ask('changed my mind', { user: 'hasty' }), { signal: controller.signal })
  first.catch(() => {})
  await tap.arrived(1)
  const other = client.run(ask('changed my mind', { user: 'patient' }))
  await waiting(rig, 1)
  controller.abort()
  await expect(first).rejects.toMatchObject({ code: 'CANCELLED' })
  const { receipt } = await other
  open()
  expect(receipt.cache).toBe('miss')
  expect(tap.calls).toHaveLength(2)
})

it('joins nobody across the wall between tenants, nor where the cache is off', async () => {
  const { client, tap } = await start()
  const { wait, open } = gate()
  tap.decide = () => ({ wait })
  const all = [{}, { tenant: 'other' }, { cache: false }].map((more) =>
    client.run(ask('what is ours?', more)),
  )
  await tap.arrived(3)
  open()
  const receipts = await Promise.all(all)
  expect(receipts.map(({ receipt }) => receipt.cache)).toEqual(['miss', 'miss', 'off'])
})

it('a stream that joins gets the whole text', async () => {
  const { client, tap } = await start()
  const { wait, open } = gate()
  tap.decide = () => ({ wait })
  const first = client.run(ask('tell me', { user: 'asker' }))
  await tap.arrived(1)
  const stream = client.stream(ask('tell me', { user: 'listener' }))
  await waiting(rig, 1)
  open()
  let text = ''
  for await (const part of stream) text += part.text
  const [whole, end] = await Promise.all([first, stream.final])
  expect(text).toBe(whole.text)
  expect(end.receipt.cache).toBe('joined')
  expect(tap.calls).toHaveLength(1)
})

it('who joins a stream midway hears it from its start, while it goes on', async () => {
  const { client, tap } = await start({ sandbox: { chunkDelayMs: 20, tokensPerChunk: 2 } })
  const payer = client.stream(ask('tell me a long story', { user: 'teller' }))
  const heard: string[] = []
  const first = payer[Symbol.asyncIterator]()
  for (let parts = 0; parts < 3; parts++) heard.push((await first.next()).value?.text ?? '')
  const late = client.stream(ask('tell me a long story', { user: 'listener' }))
  const follow = late[Symbol.asyncIterator]()
  const begun = (await follow.next()).value?.text ?? ''
  // Somebody is being answered now, and it is not the end yet.
  expect(await Promise.race([payer.final, 'goes on'])).toBe('goes on')
  expect(heard.join('').startsWith(begun)).toBe(true)
  let text = begun
  for (let part = await follow.next(); !part.done; part = await follow.next()) {
    expect(part.value.restart).toBe(false)
    text += part.value.text
  }
  const [paid, joined] = await Promise.all([payer.final, late.final])
  expect(text).toBe(paid.text)
  expect(joined.receipt).toMatchObject({ cache: 'joined', paidBy: paid.receipt.attemptId })
  expect(tap.calls).toHaveLength(1)
})

it('the payer of a joined stream is cut off midway: what was heard is taken back, and one of them asks anew', async () => {
  const { client, tap } = await start({ sandbox: { chunkDelayMs: 20, tokensPerChunk: 2 } })
  const controller = new AbortController()
  const payer = client.stream(ask('tell me another', { user: 'teller' }), controller)
  payer.final.catch(() => {})
  await payer[Symbol.asyncIterator]().next()
  const late = client.stream(ask('tell me another', { user: 'listener' }))
  let text = ''
  let restarts = 0
  for await (const part of late) {
    if (restarts === 0 && text === '') controller.abort()
    if (part.restart) {
      text = ''
      restarts += 1
    } else text += part.text
  }
  const { text: whole, receipt } = await late.final
  expect({ text, restarts }).toEqual({ text: whole, restarts: 1 })
  expect(receipt.cache).toBe('miss')
  expect(tap.calls).toHaveLength(2)
})
