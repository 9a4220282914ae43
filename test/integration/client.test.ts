import { afterAll, beforeAll, expect, it } from 'vitest'
import type { StreamPart } from '../../src/client/index.ts'
import { outcomeCounts } from '../../src/ledger/queries/outcome-counts.ts'
import { type Rig, startRig } from './queue-rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig.close())

const messages = [{ role: 'user', content: 'Explain recursion' }] as const
const ask = (content: string) => [{ role: 'user' as const, content }]

it('answers with a text and a receipt that says what it cost and what is left', async () => {
  const { text, receipt } = await rig.client.run({
    user: 'u42',
    model: 'auto',
    messages: [...messages],
  })
  expect(text).not.toBe('')
  expect(receipt).toMatchObject({
    cache: 'miss',
    modelRequested: 'auto',
    modelServed: 'gpt-6-astra',
    attempts: 1,
    why: 'top rung of the ladder',
    estimated: false,
    shortened: false,
  })
  expect(receipt.costNano).toBe(rig.sandbox.stats().billedNano)
  expect(receipt.budgets.map(({ budget }) => budget)).toEqual(['company', 'tier.basic/default/u42'])
  expect(Number(receipt.left)).toBeCloseTo(50 - Number(receipt.costUsd), 9)
})

it('serves the same question from the cache, at no cost, and still says what is left', async () => {
  const before = rig.sandbox.stats().requests
  const { text, receipt } = await rig.client.run({
    user: 'u42',
    model: 'auto',
    messages: [...messages],
  })
  expect(text).not.toBe('')
  expect(receipt).toMatchObject({ cache: 'hit', costUsd: '0.00', attemptId: null })
  expect(Number(receipt.left)).toBeLessThan(50)
  expect(rig.sandbox.stats().requests).toBe(before)
})

it('streams the pieces of the answer that it returns in the end', async () => {
  const stream = rig.client.stream({ user: 'u1', model: 'auto', messages: ask('Tell a story') })
  let text = ''
  let pieces = 0
  for await (const piece of stream) {
    text += piece.text
    pieces += 1
  }
  const final = await stream.final
  expect(pieces).toBeGreaterThan(1)
  expect(text).toBe(final.text)
  expect(final.receipt.costNano).toBeGreaterThan(0)
})

it('streams a cached answer in one piece', async () => {
  const stream = rig.client.stream({ user: 'u1', model: 'auto', messages: ask('Tell a story') })
  const pieces: StreamPart[] = []
  for await (const piece of stream) pieces.push(piece)
  expect(pieces).toHaveLength(1)
  expect(pieces[0]?.text).toBe((await stream.final).text)
})

it('hands a job in and finds its result from another client', async () => {
  const { jobId, status } = await rig.client.enqueue({
    user: 'u2',
    model: 'auto',
    messages: ask('Later please'),
  })
  expect(status).toBe('queued')
  const { receipt } = await rig.newClient().result(jobId)
  expect(receipt.jobId).toBe(jobId)
})

it('answers a responses request', async () => {
  const answer = await rig.client.run({
    user: 'rich',
    model: 'auto',
    operation: 'responses',
    input: 'Say hello',
  })
  expect(answer.text).not.toBe('')
  expect(answer.response.object).toBe('response')
})

it('keeps bodies over 16 KB beside the queue', async () => {
  const { receipt } = await rig.client.run({
    user: 'u3',
    model: 'auto',
    messages: ask('long words '.repeat(3_000)),
  })
  const { inputTokens = 0, cachedInputTokens = 0, cacheWriteTokens = 0 } = receipt.usage ?? {}
  expect(inputTokens + cachedInputTokens + cacheWriteTokens).toBeGreaterThan(3_000)
  expect(await rig.runtime.store.body(receipt.jobId)).toBeNull()
})

it('says quota and quote without taking anything', async () => {
  const before = await rig.client.quota({ user: 'u9' })
  expect(before).toMatchObject({ tier: 'basic', left: '50.00' })
  const quoted = await rig.client.quote({ user: 'u9', model: 'auto', messages: ask('How much?') })
  expect(quoted).toMatchObject({
    served: true,
    model: 'gpt-6-astra',
    rung: 0,
    outputCapTokens: 4096,
  })
  const { receipt } = await rig.client.run({
    user: 'u9',
    model: 'auto',
    messages: ask('How much?'),
  })
  if (!quoted.served) throw new Error('not served')
  expect(Number(receipt.costUsd)).toBeLessThanOrEqual(Number(quoted.mostUsd))
})

it('writes each request to the ledger with its outcome', async () => {
  await rig.drain()
  const counts = await outcomeCounts(rig.runtime.ledger)
  expect(counts).toMatchObject({ answered: 6, cached: 2 })
})

it.for([
  ['no user', { model: 'auto', messages: [] }, 'INVALID_REQUEST', /user is missing/],
  ['no messages', { user: 'u', model: 'auto', messages: [] }, 'INVALID_REQUEST', /at least one/],
  ['bare input', { user: 'u', model: 'auto', input: 'x' }, 'INVALID_REQUEST', /say what to do/],
  ['tier', { user: 'u', model: 'auto', tier: 'gold', messages: ask('x') }, 'UNKNOWN_TIER', /basic/],
  ['model', { user: 'u', model: 'nope', messages: ask('x') }, 'UNKNOWN_MODEL', /nope/],
  ['size', { user: 'u', model: 'auto', messages: ask('x'.repeat(2e6)) }, 'REQUEST_TOO_LARGE', /by/],
] as const)('refuses a request with a wrong %s', async ([, request, code, message]) => {
  const bad = { ...request } as unknown as Parameters<typeof rig.client.run>[0]
  await expect(rig.client.run(bad)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  })
})
