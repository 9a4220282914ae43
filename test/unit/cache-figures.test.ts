import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dueToday } from '../../src/cache/data/daily.ts'
import { freshnessOf, pauseOf } from '../../src/cache/data/fetch-headers.ts'
import { createNamespaces } from '../../src/cache/data/namespaces.ts'
import { bucketOf, noTimes, SLOWEST_MS, timeAt } from '../../src/cache/figures/figures.ts'
import { createRecorder } from '../../src/cache/figures/recorder.ts'
import { createReporting } from '../../src/cache/figures/reporting.ts'
import { memoryFigures } from '../../src/cache/figures/shelf.ts'
import { matcher } from '../../src/cache/matcher.ts'
import { isDue, isWorth } from '../../src/cache/warming/choose.ts'

const HOUR_MS = 3_600_000

test('a percentile is never below the time of that share of the reads', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 999, noNaN: true }), { minLength: 1 }), (all) => {
      const times = noTimes()
      for (const ms of all) times[bucketOf(ms)] = (times[bucketOf(ms)] ?? 0) + 1
      const sorted = all.toSorted((a, b) => a - b)
      for (const share of [0.5, 0.95, 0.99]) {
        const exact = sorted[Math.ceil(share * all.length) - 1] ?? 0
        expect(timeAt(times, share)).toBeGreaterThanOrEqual(exact)
      }
    }),
  )
  expect(timeAt(noTimes(), 0.5)).toBeNull()
  const slow = noTimes()
  slow[bucketOf(5_000)] = 1
  expect(timeAt(slow, 0.5)).toBe(SLOWEST_MS)
})

test('what could not be told is told with the next, and nothing twice', async () => {
  const shelf = memoryFigures()
  let isAway = true
  const warnings: object[] = []
  const flaky: typeof shelf = {
    ...shelf,
    add: async (...lines) => {
      if (isAway) throw new Error('away')
      return shelf.add(...lines)
    },
  }
  const { recorder, report, close } = createReporting(flaky, {
    warn: (fields: object) => void warnings.push(fields),
  })
  const reader = { namespace: 'n', tenant: 't' }
  recorder.count(reader, 'hits')
  await report()
  recorder.count(reader, 'hits')
  await report()
  isAway = false
  await report()
  await close()
  const [line] = await shelf.read(1, Date.now())
  expect(line?.counts.hits).toBe(2)
  expect(warnings).toHaveLength(1)
})

test('a process tells some hundred tenants apart between two looks, and counts all', () => {
  const recorder = createRecorder()
  for (let n = 0; n < 2_000; n++) recorder.count({ namespace: 'n', tenant: `t${n}` }, 'hits')
  const lines = recorder.take()
  expect(lines.length).toBeLessThan(600)
  expect(lines.reduce((sum, { counts }) => sum + counts.hits, 0)).toBe(2_000)
  expect(recorder.totals().n?.hits).toBe(2_000)
})

describe('a time of day', () => {
  const names = createNamespaces({
    morning: { ttlMs: 1, invalidateOn: [], shared: false, refreshDaily: '06:00' },
  })
  const due = (zone: string, iso: string) => dueToday(names, zone, Date.parse(iso))

  test('is the policy’s own, and lasts to the end of the day', () => {
    expect(due('Europe/Berlin', '2026-11-21T04:59:00Z')).toEqual([])
    const today = [{ namespace: 'morning', day: '2026-11-21' }]
    expect(due('Europe/Berlin', '2026-11-21T05:00:00Z')).toEqual(today)
    expect(due('Europe/Berlin', '2026-11-21T22:59:00Z')).toEqual(today)
    expect(due('Europe/Berlin', '2026-11-21T23:00:00Z')).toEqual([])
  })
})

describe('what an answer says of its time', () => {
  const of = (cacheControl: string, age?: string) =>
    freshnessOf(new Headers({ 'cache-control': cacheControl, ...(age && { age }) }))

  test('is read as RFC 9111 has it', () => {
    expect(of('max-age=60').maxAgeMs).toBe(60_000)
    expect(of('Public, MAX-AGE="60"', '20').maxAgeMs).toBe(40_000)
    expect(of('max-age=60, no-cache').maxAgeMs).toBe(0)
    expect(of('max-age=soon').maxAgeMs).toBeNull()
    expect(of('private, no-store')).toMatchObject({ keep: false, isPrivate: true })
  })

  test('a refusal says how long, in seconds or as a date, within an hour', () => {
    const wait = (status: number, headers: Record<string, string>, text = '') =>
      pauseOf(new Response(null, { status, headers }), text, 0)
    expect(wait(429, {})).toBe(60_000)
    expect(wait(429, { 'retry-after': '5' })).toBe(5_000)
    expect(wait(429, { 'retry-after': new Date(7_000).toUTCString() })).toBe(7_000)
    expect(wait(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9' })).toBe(9_000)
    expect(wait(403, { 'x-ratelimit-remaining': '12' })).toBeNull()
    expect(wait(403, {}, 'You have exceeded a secondary rate limit.')).toBe(60_000)
    expect(wait(429, { 'retry-after': '999999' })).toBe(HOUR_MS)
    expect(wait(500, { 'retry-after': '5' })).toBeNull()
  })
})

test('patterns mean what they mean to Redis', () => {
  const law = (pattern: string, text: string) => matcher(pattern).test(text)
  expect(law('*.[ab]:*', 'x.a:y')).toBe(true)
  expect(law('[^-]*', '-/k')).toBe(false)
  expect(law('[^-]*', 'ab/k')).toBe(true)
  expect(law('a\\*', 'a*')).toBe(true)
  expect(law('a\\*', 'ab')).toBe(false)
  expect(law('a.b', 'axb')).toBe(false)
})

test('an answer is kept warm while somebody asks for it in its time, and asked again before it ends', () => {
  const responses = { enabled: true, ttlMs: HOUR_MS }
  expect(isWorth(24, responses)).toBe(true)
  expect(isWorth(23, responses)).toBe(false)
  const kept = (leftMs: number) => ({ bytes: 1, leftMs })
  expect(isDue(null, responses)).toBe(true)
  expect(isDue(kept(HOUR_MS), responses)).toBe(false)
  expect(isDue(kept(500_000), responses)).toBe(true)
  // What is left of it is kept for times of need alone.
  const stale = { ...responses, staleIfOverBudgetMs: 24 * HOUR_MS }
  expect(isDue(kept(24 * HOUR_MS + 1_000), stale)).toBe(true)
  // An answer that lives for a minute is not asked again all the time.
  expect(isDue(kept(45_000), { enabled: true, ttlMs: 60_000 })).toBe(false)
})
