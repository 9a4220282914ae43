import { afterAll, beforeAll, expect, it } from 'vitest'
import { outcomeCounts } from '../../src/ledger/queries/outcome-counts.ts'
import { ask, POLICY, type Rig, startRig, until } from './queue-rig.ts'

const NO_MONEY = '  - { id: empty, scope: { tag: purse=empty }, usd: "0", per: month }\nladders:'
const withAfter = (after: string) =>
  POLICY.replace('{ ttl: 1h }', `{ ttl: 1h, ${after} }`).replace('ladders:', NO_MONEY)

let rig: Rig
let last: Rig
beforeAll(async () => {
  const start = (after: string) => startRig({ policy: withAfter(after) })
  ;[rig, last] = await Promise.all([
    start('stale_while_revalidate: 1h'),
    start('stale_when_over_budget: 1d'),
  ])
})
afterAll(() => Promise.all([rig.close(), last.close()]))

const question = (content: string, more: object = {}) =>
  ask(content, { user: 'u1', cache: { ttl: 1 }, ...more })

it('a stale answer is served at once, and made anew once, by whoever was served it', async () => {
  const first = await rig.client.run(question('how old is it?'))
  expect(first.receipt.cache).toBe('miss')
  const calls = rig.tap.calls.length
  const asked = Array.from({ length: 20 }, (_, i) =>
    rig.client.run(question('how old is it?', { user: `u${i}`, cache: true })),
  )
  const receipts = (await Promise.all(asked)).map(({ receipt }) => receipt)
  expect(new Set(receipts.map(({ cache }) => cache))).toEqual(new Set(['stale']))
  expect(receipts[0]).toMatchObject({ costNano: 0, why: expect.stringMatching(/its time is over/) })
  // Made anew, for an hour: nobody is served the old one any more.
  const served = async () => {
    const { receipt } = await rig.client.run(question('how old is it?', { cache: true }))
    return receipt.cache === 'hit'
  }
  await until(served)
  expect(rig.tap.calls.length).toBe(calls + 1)
  await rig.drain()
  const { answered = 0 } = await outcomeCounts(rig.runtime.ledger)
  expect(answered).toBe(2)
})

it('also one that a worker finds is made anew', async () => {
  await rig.client.run(question('who works on it?'))
  const calls = rig.tap.calls.length
  const { jobId } = await rig.client.enqueue(question('who works on it?', { cache: true }))
  expect((await rig.client.result(jobId)).receipt.cache).toBe('stale')
  await until(async () => rig.tap.calls.length === calls + 1)
})

it('whom no budget pays for is served an old answer, and refused where there is none', async () => {
  await last.client.run(question('what is it worth?', { tags: { purse: 'full' } }))
  const poor = { tags: { purse: 'empty' }, cache: true }
  const { receipt } = await last.client.run(question('what is it worth?', poor))
  expect(receipt).toMatchObject({ cache: 'stale', costNano: 0 })
  await expect(last.client.run(question('is there any?', poor))).rejects.toMatchObject({
    code: 'BUDGET_EXHAUSTED',
  })
  const rich = { tags: { purse: 'full' }, cache: true }
  expect((await last.client.run(question('what is it worth?', rich))).receipt.cache).toBe('miss')
})
