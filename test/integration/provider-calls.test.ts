import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProvider } from '../../src/provider/provider.ts'
import type { CallOutcome } from '../../src/provider/types.ts'
import { type Bench, newHold, policyFor, requestFor, startBench } from './provider-helpers.ts'

/** Calls that last until somebody ends them. */
const SLOW = { sandbox_chunk_delay_ms: '20', sandbox_output_tokens: '400' }

describe('one hold, one send', () => {
  let bench: Bench
  beforeAll(async () => {
    bench = await startBench()
  })
  afterAll(() => bench.close())

  test('a hold that was sent sends nothing more', async () => {
    const hold = newHold()
    await bench.provider.call(hold, requestFor('chat.completions'))
    const before = bench.sandbox.stats().requests
    await expect(bench.provider.call(hold, requestFor('chat.completions'))).rejects.toMatchObject({
      code: 'HOLD_CONSUMED',
    })
    expect(bench.sandbox.stats().requests).toBe(before)
  })

  test('of two calls at once with one hold, one is sent', async () => {
    const hold = newHold()
    const before = bench.sandbox.stats().requests
    const ends = await Promise.allSettled(
      [0, 1].map(() => bench.provider.call(hold, requestFor('chat.completions'))),
    )
    expect(ends.map((end) => end.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(bench.sandbox.stats().requests - before).toBe(1)
  })

  test('a hundred calls at once are a hundred sends, each on its own bill', async () => {
    const holds = Array.from({ length: 100 }, newHold)
    const outcomes = await Promise.all(
      holds.map((hold, i) =>
        bench.provider.call(hold, requestFor('chat.completions', {}, { stream: i % 2 === 0 })),
      ),
    )
    expect(outcomes.map((one) => one.seen)).toEqual(holds.map(() => 'answer'))
    const attempts = bench.bill().map((line) => line.attempt)
    for (const hold of holds)
      expect(attempts.filter((attempt) => attempt === hold.attemptId)).toHaveLength(1)
  })

  test('a provider that nobody knows costs no hold', async () => {
    const hold = newHold()
    const request = requestFor('chat.completions', {}, { provider: 'elsewhere' })
    await expect(bench.provider.call(hold, request)).rejects.toMatchObject({
      code: 'INVALID_POLICY',
    })
    expect(hold.sent).toBe(false)
  })

  test('a body that cannot be written costs no hold', async () => {
    const hold = newHold()
    const body = { messages: [{ role: 'user', content: 1n }] }
    const call = bench.provider.call(hold, requestFor('chat.completions', {}, { body }))
    await expect(call).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
    expect(hold.sent).toBe(false)
  })

  test('a reloaded policy holds at the next call', async () => {
    let url = 'http://127.0.0.1:9/v1'
    const provider = createProvider({ providers: () => ({ sandbox: policyFor(url) }) })
    const hold = newHold()
    const refused = await provider.call(hold, requestFor('chat.completions'))
    expect(refused).toMatchObject({ seen: 'unknown', reason: 'connection', retryable: true })
    expect(hold.sent, 'no connection, no send').toBe(false)
    url = bench.sandbox.url
    const answered = await provider.call(newHold(), requestFor('chat.completions'))
    expect(answered.seen).toBe('answer')
    await provider.close()
  })
})

const TIMEOUT_MS = 500

describe('timeouts', () => {
  let bench: Bench
  beforeAll(async () => {
    bench = await startBench({}, { timeoutMs: TIMEOUT_MS })
  })
  afterAll(() => bench.close())

  test.each([
    ['chat.completions', false],
    ['chat.completions', true],
    ['responses', true],
    ['embeddings', false],
  ] as const)('%s that never answers ends as timeout, stream %s', async (operation, stream) => {
    const hold = newHold()
    const request = requestFor(operation, { sandbox_fault: 'stall' }, { stream })
    expect(await bench.provider.call(hold, request)).toMatchObject({
      seen: 'unknown',
      reason: 'timeout',
      retryable: true,
    })
    expect(bench.billOf(hold)).toMatchObject({ attempt: hold.attemptId })
  })

  test('a stream may last longer than the timeout while it speaks', async () => {
    const metadata = { sandbox_chunk_delay_ms: '40', sandbox_output_tokens: '100' }
    const startedAt = performance.now()
    const request = requestFor('chat.completions', metadata, { stream: true })
    expect((await bench.provider.call(newHold(), request)).seen).toBe('answer')
    expect(performance.now() - startedAt).toBeGreaterThan(TIMEOUT_MS)
  })

  test('a stream that falls silent ends as timeout, with what was seen', async () => {
    const metadata = { sandbox_chunk_delay_ms: '100000', sandbox_output_tokens: '100' }
    const request = requestFor('chat.completions', metadata, { stream: true })
    expect(await bench.provider.call(newHold(), request)).toMatchObject({
      seen: 'unknown',
      reason: 'timeout',
      status: 200,
    })
  })
})

describe('aborts', () => {
  let bench: Bench
  beforeAll(async () => {
    bench = await startBench()
  })
  afterAll(() => bench.close())

  /** Aborts at the third chunk with text. */
  async function leaveEarly(
    other: Bench,
  ): Promise<{ outcome: CallOutcome; relayed: string; attempt: string }> {
    const hold = newHold()
    const leaving = new AbortController()
    let relayed = ''
    let heard = 0
    const request = requestFor('chat.completions', SLOW, { stream: true })
    const outcome = await other.provider.call(hold, request, {
      signal: leaving.signal,
      onChunk: ({ text }) => {
        relayed += text
        if (text !== '' && ++heard === 3) leaving.abort()
      },
    })
    return { outcome, relayed, attempt: hold.attemptId }
  }

  test('an abort inside a stream books the whole hold', async () => {
    const { outcome } = await leaveEarly(bench)
    expect(outcome).toMatchObject({ seen: 'unknown', reason: 'aborted', retryable: false })
  })

  test('where an abort ends the bill, what was streamed is what was billed', async () => {
    const profile = { unbilledStatus: [], abortEndsBill: true, inputMarginPercent: 0 }
    const other = await startBench({ abortEndsBill: true }, { profile })
    const { outcome, relayed, attempt } = await leaveEarly(other)
    if (outcome.seen !== 'aborted') throw new Error(`ended as ${outcome.seen}`)
    expect(outcome.text).toBe(relayed)
    expect(outcome.streamedOutputTokens).toBeGreaterThan(0)
    await other.provider.close()
    await other.sandbox.close()
    const line = other.bill().find((one) => one.attempt === attempt)
    expect(line?.output).toBeGreaterThan(0)
    expect(line?.output).toBeLessThan(60)
    expect(outcome.streamedOutputTokens).toBeGreaterThanOrEqual(line?.output ?? Number.NaN)
    await other.close()
  })

  test('an abort before the send sends nothing', async () => {
    const hold = newHold()
    const before = bench.sandbox.stats().requests
    const outcome = await bench.provider.call(hold, requestFor('chat.completions'), {
      signal: AbortSignal.abort(),
    })
    expect(outcome).toMatchObject({ seen: 'unknown', reason: 'aborted' })
    expect(hold.sent).toBe(false)
    expect(bench.sandbox.stats().requests).toBe(before)
  })

  test('an abort after the end changes nothing', async () => {
    const leaving = new AbortController()
    const signal = leaving.signal
    const outcome = await bench.provider.call(newHold(), requestFor('chat.completions'), { signal })
    leaving.abort()
    expect(outcome.seen).toBe('answer')
  })
})
