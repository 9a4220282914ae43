import { expect, test } from 'vitest'
import { BursarError } from '../../src/errors.ts'
import { errorReply } from '../../src/gateway/error-reply.ts'
import { limitHeaders } from '../../src/queue/limit-headers.ts'
import type { LimitReport } from '../../src/queue/limit-words.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 12)

const report = (more: Partial<LimitReport> = {}): LimitReport => ({
  limit: 'tier.basic/acme/%C3%BC',
  counts: 'requests',
  of: 50,
  perMs: 3_600_000,
  remaining: 42,
  resetsAt: new Date(NOW_MS + 3_420_001).toISOString(),
  says: '42 requests left this hour',
  ...more,
})
const burst = report({ limit: 'burst/acme/u', of: 60, perMs: 60_000, remaining: 6 })

test('every limit has an item in the fields of the draft, and the tightest is told the old way', () => {
  expect(limitHeaders([report(), burst], NOW_MS)).toEqual({
    ratelimit: '"tier.basic";r=42;t=3421, "burst";r=6;t=3421',
    'ratelimit-policy': '"tier.basic";q=50;w=3600, "burst";q=60;w=60',
    'x-ratelimit-limit': '60',
    'x-ratelimit-remaining': '6',
    'x-ratelimit-reset': String(NOW_MS / 1_000 + 3_421),
  })
})

test('nothing is said where nothing limits', () => {
  expect(limitHeaders([], NOW_MS)).toEqual({})
})

test('tokens and lanes say their unit, and lanes have no window', () => {
  const tokens = report({ limit: 'out', counts: 'output_tokens' })
  const lanes = report({ limit: 'lanes', counts: 'concurrent', perMs: null })
  expect(limitHeaders([tokens, lanes], NOW_MS)['ratelimit-policy']).toBe(
    '"out";q=50;qu="output-tokens";w=3600, "lanes";q=50;qu="concurrent-requests"',
  )
})

test.each([
  [
    'all of them',
    { limits: [report({ remaining: 0 }), burst] },
    '"tier.basic";r=0;t=3421, "burst"',
  ],
  ['the one that a worker met', report({ remaining: 0 }), '"tier.basic";r=0;t=3421'],
])('a refusal at the gateway has the headers of %s', (_, detail, ratelimit) => {
  const told = { ...detail, retryAfterMs: 120_000 }
  const { headers } = errorReply(new BursarError('RATE_LIMITED', 'x', { detail: told }), NOW_MS)
  expect(headers).toMatchObject({ 'retry-after': '120', 'x-ratelimit-remaining': '0' })
  expect(headers.ratelimit?.startsWith(ratelimit)).toBe(true)
})
