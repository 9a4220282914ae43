import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getRequest } from '../../src/ledger/queries/get-request.ts'
import { type Rig, startRig } from './queue-rig.ts'

/** What each end of a call comes to in the ledger (PROTOCOL 3.4), beside what the provider billed for it. */
describe('what is booked for a call that', () => {
  let rig: Rig
  beforeAll(async () => {
    rig = await startRig()
  })
  afterAll(() => rig.close())

  /** One attempt alone: the next one meets the same fault. */
  async function firstAttempt(fault: string, stream: boolean) {
    const jobId = `${fault}-${stream ? 'stream' : 'whole'}`
    const request = {
      user: 'u42',
      jobId,
      model: 'gpt-6-luna',
      max_completion_tokens: 64,
      messages: [{ role: 'user' as const, content: `Explain recursion, ${jobId}` }],
      metadata: { sandbox_fault: fault },
    }
    const billedBefore = rig.sandbox.stats().billedNano
    const ended = stream ? rig.client.stream(request).final : rig.client.run(request)
    await ended.catch(() => {})
    await rig.drain()
    const found = await getRequest(rig.runtime.ledger, jobId)
    const attempts = found?.attempts ?? []
    const bookedNano = attempts.reduce((sum, { costNano }) => sum + costNano, 0)
    const heldNano = attempts.reduce((sum, { holdNano }) => sum + holdNano, 0)
    const statuses = [...new Set(attempts.map(({ status }) => status))]
    const billedNano = rig.sandbox.stats().billedNano - billedBefore
    return { statuses, bookedNano, heldNano, billedNano }
  }

  test.each([
    ['typed-error-books-zero', '500', false],
    ['typed-error-books-zero', '429', true],
  ])('%s: %s, streamed: %s', async (_name, fault, stream) => {
    const { statuses, bookedNano, billedNano } = await firstAttempt(fault, stream)
    expect({ statuses, bookedNano, billedNano }).toEqual({
      statuses: ['confirmed'],
      bookedNano: 0,
      billedNano: 0,
    })
  })

  test.each([
    ['cut-stream-books-whole-hold', 'cut', true],
    ['a cut answer books the whole hold', 'cut', false],
    ['an answer without usage books the whole hold', 'missing-usage', false],
    ['a stream without usage books the whole hold', 'missing-usage', true],
    ['a connection that is reset books the whole hold', 'reset', false],
  ])('%s: %s, streamed: %s', async (_name, fault, stream) => {
    const { statuses, bookedNano, heldNano, billedNano } = await firstAttempt(fault, stream)
    expect(statuses).toEqual(['unconfirmed'])
    expect(bookedNano).toBe(heldNano)
    expect(billedNano).toBeGreaterThan(0)
    expect(bookedNano).toBeGreaterThanOrEqual(billedNano)
  })

  test('bill-above-cap-is-overrun: booked in full, and marked', async () => {
    const { statuses, bookedNano, heldNano, billedNano } = await firstAttempt('overbill', false)
    expect(statuses).toEqual(['confirmed'])
    expect(bookedNano).toBe(billedNano)
    expect(bookedNano).toBeGreaterThan(0)
    const found = await getRequest(rig.runtime.ledger, 'overbill-whole')
    const overrunNano = found?.attempts[0]?.overrunNano
    expect(overrunNano).toBe(bookedNano - heldNano)
    expect(overrunNano).toBeGreaterThan(0)
  })
})
