import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CallOutcome } from '../../src/provider/types.ts'
import { type Bench, newHold, OPERATIONS, requestFor, startBench } from './provider-helpers.ts'

/** Fault -> what is settled, and whether the provider billed it. */
const TABLE: Record<string, { outcome: object; billed: boolean }> = {
  '401': {
    outcome: { seen: 'unbilled-error', status: 401, code: 'invalid_api_key', retryable: false },
    billed: false,
  },
  '429': {
    outcome: { seen: 'unbilled-error', status: 429, retryAfterMs: null, retryable: true },
    billed: false,
  },
  '429-retry-after': {
    outcome: { seen: 'unbilled-error', status: 429, retryAfterMs: 50, retryable: true },
    billed: false,
  },
  '429-quota': {
    outcome: { seen: 'unbilled-error', status: 429, code: 'insufficient_quota', retryable: false },
    billed: false,
  },
  '500': {
    outcome: { seen: 'unknown', reason: 'error-response', status: 500, retryable: true },
    billed: false,
  },
  '503': {
    outcome: { seen: 'unknown', reason: 'error-response', status: 503, retryable: true },
    billed: false,
  },
  redirect: {
    outcome: { seen: 'unknown', reason: 'error-response', status: 307, retryable: false },
    billed: false,
  },
  reset: { outcome: { seen: 'unknown', reason: 'connection', status: null }, billed: true },
  cut: { outcome: { seen: 'unknown', reason: 'cut-stream', status: 200 }, billed: true },
  'missing-usage': {
    outcome: { seen: 'unknown', reason: 'missing-usage', status: 200 },
    billed: true,
  },
  'late-error': { outcome: { seen: 'unknown', reason: 'error-response' }, billed: true },
  overbill: { outcome: { seen: 'answer' }, billed: true },
}

const CASES = Object.keys(TABLE).flatMap((fault) =>
  OPERATIONS.flatMap((operation) =>
    [false, true]
      .filter((stream) => !stream || operation !== 'embeddings')
      .map((stream) => ({ fault, operation, stream })),
  ),
)

const visibleTokens = (outcome: CallOutcome): number =>
  outcome.seen === 'answer'
    ? outcome.usage.outputTokens + outcome.usage.reasoningTokens
    : Number.NaN

describe('what a call ends as', () => {
  let bench: Bench
  beforeAll(async () => {
    bench = await startBench()
  })
  afterAll(() => bench.close())

  test.each(CASES)('$fault, $operation, stream $stream', async ({ fault, operation, stream }) => {
    const before = bench.sandbox.stats().requests
    const hold = newHold()
    const request = requestFor(
      operation,
      { sandbox_fault: fault, sandbox_output_tokens: '200' },
      { stream },
    )
    const outcome = await bench.provider.call(hold, request)
    expect(outcome).toMatchObject(TABLE[fault]?.outcome ?? {})
    expect(bench.sandbox.stats().requests - before, 'sends').toBe(1)
    expect(hold.sent).toBe(true)
    expect(bench.billOf(hold) !== undefined, 'billed').toBe(TABLE[fault]?.billed)
  })

  test.each([false, true])('what arrived before a cut is noted, stream %s', async (stream) => {
    const metadata = { sandbox_fault: 'cut', sandbox_output_tokens: '300' }
    const outcome = await bench.provider.call(
      newHold(),
      requestFor('chat.completions', metadata, { stream }),
    )
    if (outcome.seen !== 'unknown') throw new Error(`ended as ${outcome.seen}`)
    expect(outcome.streamedOutputTokens > 0).toBe(stream)
  })

  test('a bill above the cap is reported as it stands', async () => {
    const hold = newHold()
    const metadata = { sandbox_fault: 'overbill', sandbox_output_tokens: '10' }
    const outcome = await bench.provider.call(hold, requestFor('chat.completions', metadata))
    expect(visibleTokens(outcome)).toBe(480)
    expect(bench.billOf(hold)).toMatchObject({ nano: (11 - 2) * 2_000 + 480 * 10_000 })
  })

  test.each([
    ['an unknown model', { model: 'gpt-9' }, 404, 'model_not_found'],
    ['a bad field', { reasoningEffort: null, body: { messages: [] } }, 400, 'invalid_value'],
  ])('%s is refused without a bill', async (_name, more, status, code) => {
    const hold = newHold()
    const outcome = await bench.provider.call(hold, requestFor('chat.completions', {}, more))
    expect(outcome).toMatchObject({ seen: 'unbilled-error', status, code, retryable: false })
    expect(bench.billOf(hold)).toBeUndefined()
  })
})
