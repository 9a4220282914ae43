import { expect, test } from 'vitest'
import type { NamedLimit } from '../../src/admission/plan/limit-lines.ts'
import type { LimitLine } from '../../src/admission/plan-lines.ts'
import { namedLine, refusalOf, reportLimit } from '../../src/queue/limit-words.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 12)
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const rate = (more: object = {}): LimitLine => ({
  ...{ kind: 'sliding-window', key: 'k/acme/u1', limit: 10, perMs: MINUTE_MS },
  ...more,
})
const says = (named: NamedLimit, remaining: number) =>
  reportLimit(named, { key: 'k', remaining, resetAtMs: NOW_MS }).says
const requests = (line: LimitLine, resource?: string): NamedLimit => ({
  line,
  counts: 'requests',
  ...(resource && { resource }),
})

test.each([
  [requests(rate(), 'generation'), 5, '5 generations left this minute'],
  [requests(rate(), 'generation'), 1, '1 generation left this minute'],
  [requests(rate(), 'api'), 2, '2 api requests left this minute'],
  [requests(rate(), 'query'), 2, '2 queries left this minute'],
  [requests(rate({ perMs: HOUR_MS })), 0, 'no requests left this hour'],
  [requests(rate({ perMs: HOUR_MS })), -3, 'no requests left this hour'],
  [requests(rate({ perMs: DAY_MS })), 9, '9 requests left today'],
  [requests(rate({ perMs: 15 * MINUTE_MS })), 9, '9 requests left in 15 minutes'],
  [requests(rate({ kind: 'token-bucket', burst: 4 })), 4, '4 requests left now'],
  [namedLine(rate({ unit: 'input' })), 700, '700 input tokens left this minute'],
  [namedLine(rate({ unit: 'output' })), 1, '1 output token left this minute'],
  [namedLine(rate({ unit: 'calls' })), 0, 'no calls left this minute'],
  [namedLine(rate()), 8, '8 tokens left this minute'],
  [namedLine({ kind: 'concurrent', key: 'lanes', limit: 20 }), 3, '3 lanes free of 20'],
])('a limit says what is left: %#', (named, remaining, words) => {
  expect(says(named, remaining)).toBe(words)
})

test.each([
  [1, '1 second'],
  [34_000, '34 seconds'],
  [60_000, '1 minute'],
  [60_001, '2 minutes'],
  [2 * HOUR_MS - 1, '2 hours'],
  [3 * DAY_MS, '3 days'],
])('after %i ms a refusal says: try again in %s', (waitMs, words) => {
  const state = { key: 'k', remaining: 0, resetAtMs: NOW_MS + waitMs }
  const { message, detail } = refusalOf(requests(rate({ perMs: HOUR_MS })), state, waitMs)
  expect(detail.says).toBe(`No requests left this hour. Try again in ${words}.`)
  expect(message).toBe(
    `limit k/acme/u1 is full, it allows 10 requests an hour: try again in ${words}`,
  )
  expect(detail).toMatchObject({
    ...{ limit: 'k/acme/u1', of: 10, remaining: 0, retryAfterMs: waitMs },
    resetsAt: new Date(NOW_MS + waitMs).toISOString(),
  })
})
