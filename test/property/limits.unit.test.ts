import fc from 'fast-check'
import { expect, test } from 'vitest'
import { giveBack, measure, take } from '../../src/admission/model/limits.ts'
import { emptySlot } from '../../src/admission/model.ts'
import type { LimitLine } from '../../src/admission/plan-lines.ts'

/**
 * Each algorithm beside a model that remembers every request and does sums: nothing is kept in steps, buckets or
 * windows there. Amounts of a request are 1 to 5, as calls and as tokens.
 */
const START_MS = Date.UTC(2026, 10, 21, 14, 7, 31)

/** Stands for: to the instant that the last refusal named. */
const TO_THE_RETRY = -1

interface Ask {
  readonly afterMs: number
  readonly amount: number
  /** What it turns out to have used less; given back at once. */
  readonly unused: number
}
interface Taken {
  readonly atMs: number
  readonly amount: number
}

const asks = (longestMs: number): fc.Arbitrary<Ask[]> => {
  const afterMs = fc.oneof(
    fc.constantFrom(0, 0, 1, 999, 1_000, 1_001, TO_THE_RETRY, TO_THE_RETRY),
    fc.integer({ min: 0, max: longestMs }),
  )
  const amount = fc.integer({ min: 1, max: 5 })
  const unused = fc.constantFrom(0, 0, 0, 1)
  return fc.array(fc.record({ afterMs, amount, unused }), { minLength: 1, maxLength: 80 })
}

/** Asks one after the other; what was let through is in the log before the next one asks. */
function run<Line extends LimitLine>(
  line: Line,
  all: readonly Ask[],
  judge: (seen: ReturnType<typeof measure>, log: readonly Taken[], ask: Taken) => void,
): Taken[] {
  const state = emptySlot()
  const log: Taken[] = []
  let nowMs = START_MS
  let retryAtMs = START_MS
  for (const { afterMs, amount, unused } of all) {
    nowMs = afterMs === TO_THE_RETRY ? Math.max(nowMs, retryAtMs) : nowMs + afterMs
    const seen = measure(state, line, amount, nowMs)
    judge(seen, log, { atMs: nowMs, amount })
    if (!seen.fits) {
      retryAtMs = seen.retryAtMs
      expectRetry(line, state, amount, nowMs, seen.retryAtMs)
      continue
    }
    take(state, line, amount, nowMs)
    const used = { total: amount - unused, output: null }
    giveBack(state, { line, amount }, used, nowMs)
    if (amount > unused) log.push({ atMs: nowMs, amount: amount - unused })
  }
  return log
}

/** A refusal names the first millisecond at which the same request fits, if nobody else asks. */
function expectRetry(
  line: LimitLine,
  state: ReturnType<typeof emptySlot>,
  amount: number,
  nowMs: number,
  retryAtMs: number,
): void {
  const at = (atMs: number) => measure(structuredClone(state), line, amount, atMs).fits
  expect(retryAtMs).toBeGreaterThan(nowMs)
  expect(at(retryAtMs - 1)).toBe(false)
  expect(at(retryAtMs)).toBe(true)
}

const sumSince = (log: readonly Taken[], afterMs: number): number =>
  log.reduce((sum, { atMs, amount }) => (atMs > afterMs ? sum + amount : sum), 0)

const PERIODS_MS = [60_000, 3_600_000, 86_400_000] as const
const limit = fc.integer({ min: 5, max: 30 })
const perMs = fc.constantFrom(...PERIODS_MS)

test('a sliding window passes no more than its limit in any period, and refuses at most a step longer', () => {
  const law = fc.property(
    fc.record({ limit, perMs }).chain((of) => fc.tuple(fc.constant(of), asks(of.perMs / 4))),
    ([of, all]) => {
      const line = { kind: 'sliding-window', key: 'k', ...of } as const
      const stepMs = of.perMs / 60
      const log = run(line, all, (seen, before, { atMs, amount }) => {
        const exact = sumSince(before, atMs - of.perMs)
        const atMost = sumSince(before, atMs - of.perMs - stepMs)
        if (seen.fits) expect(exact + amount).toBeLessThanOrEqual(of.limit)
        else expect(atMost + amount).toBeGreaterThan(of.limit)
        expect(seen.remaining).toBeLessThanOrEqual(of.limit - exact)
        expect(seen.remaining).toBeGreaterThanOrEqual(of.limit - atMost)
      })
      for (const { atMs } of log) {
        const inWindow = log.filter((one) => one.atMs <= atMs)
        expect(sumSince(inWindow, atMs - of.perMs)).toBeLessThanOrEqual(of.limit)
      }
    },
  )
  fc.assert(law, { numRuns: 500 })
})

test('a sliding window is whole when it says so, and not a step before', () => {
  const law = fc.property(limit, fc.integer({ min: 0, max: 60_000 }), (of, laterMs) => {
    const line = { kind: 'sliding-window', key: 'k', limit: of, perMs: 60_000 } as const
    const state = emptySlot()
    take(state, line, 1, START_MS)
    take(state, line, 1, START_MS + laterMs)
    const { resetAtMs } = measure(state, line, 0, START_MS + laterMs)
    expect(measure(state, line, 0, resetAtMs - 1).remaining).toBeLessThan(of)
    expect(measure(state, line, 0, resetAtMs).remaining).toBe(of)
    expect(resetAtMs - (START_MS + laterMs)).toBeLessThanOrEqual(61_000)
  })
  fc.assert(law, { numRuns: 200 })
})

/** Up to which text two instants are in the same minute, hour or day. */
const CUT = new Map([
  [60_000, 16],
  [3_600_000, 13],
  [86_400_000, 10],
])

test('a fixed window decides as a calendar that lists every request of the minute, hour or day', () => {
  const law = fc.property(
    fc.record({ limit, perMs }).chain((of) => fc.tuple(fc.constant(of), asks(of.perMs / 4))),
    ([of, all]) => {
      const line = { kind: 'fixed-window', key: 'k', ...of } as const
      const windowOf = (atMs: number) => new Date(atMs).toISOString().slice(0, CUT.get(of.perMs))
      run(line, all, (seen, before, { atMs, amount }) => {
        const same = before.filter((one) => windowOf(one.atMs) === windowOf(atMs))
        const used = sumSince(same, 0)
        expect(seen.fits).toBe(used + amount <= of.limit)
        expect(seen.remaining).toBe(of.limit - used)
        if (used === 0) return expect(seen.resetAtMs).toBe(atMs)
        expect(windowOf(seen.resetAtMs - 1)).toBe(windowOf(atMs))
        expect(windowOf(seen.resetAtMs)).not.toBe(windowOf(atMs))
      })
    },
  )
  fc.assert(law, { numRuns: 500 })
})

test('a fixed window of a week begins on Monday, UTC', () => {
  const line = { kind: 'fixed-window', key: 'k', limit: 1, perMs: 7 * 86_400_000 } as const
  const state = emptySlot()
  take(state, line, 1, START_MS)
  const { resetAtMs } = measure(state, line, 1, START_MS)
  expect(new Date(resetAtMs).toUTCString()).toBe('Mon, 23 Nov 2026 00:00:00 GMT')
})

/**
 * A bucket that is filled anew from the log for each question, in whole numbers: a token is `perMs` drops, and `limit`
 * drops fall in a millisecond.
 */
function dropsAt(
  { limit: rate, perMs: period, burst }: { limit: number; perMs: number; burst: number },
  log: readonly Taken[],
  nowMs: number,
): number {
  const full = burst * period
  let drops = full
  let lastMs = START_MS
  for (const { atMs, amount } of log) {
    drops = Math.min(full, drops + (atMs - lastMs) * rate) - amount * period
    lastMs = atMs
  }
  return Math.min(full, drops + (nowMs - lastMs) * rate)
}

test('a token bucket never passes what an exact bucket has not, and refuses microseconds longer at most', () => {
  const law = fc.property(
    fc
      .record({
        // Dear tokens and cheap ones: of a thousand a minute, rounding errors add up to milliseconds.
        limit: fc.oneof(limit, fc.integer({ min: 30, max: 1_000 })),
        perMs,
        burst: fc.integer({ min: 5, max: 20 }),
      })
      .chain((of) => fc.tuple(fc.constant(of), asks(Math.ceil((4 * of.perMs) / of.limit)))),
    ([of, all]) => {
      const line = { kind: 'token-bucket', key: 'k', ...of } as const
      const log = run(line, all, (seen, before, { atMs, amount }) => {
        // An interval is rounded up to a microsecond, once for each token since the bucket was full.
        const roundedMs = before.reduce((sum, taken) => sum + taken.amount, of.burst) / 1_000
        const slack = roundedMs * of.limit
        const drops = dropsAt(of, before, atMs)
        if (seen.fits) expect(drops).toBeGreaterThanOrEqual(amount * of.perMs)
        else expect(drops).toBeLessThan(amount * of.perMs + slack)
        expect(seen.remaining).toBeLessThanOrEqual(Math.floor(drops / of.perMs))
        expect(seen.remaining).toBeGreaterThanOrEqual(Math.floor((drops - slack) / of.perMs))
        const wholeInMs = (of.burst * of.perMs - drops) / of.limit
        expect(Math.abs(seen.resetAtMs - atMs - wholeInMs)).toBeLessThanOrEqual(1 + roundedMs)
      })
      for (const [at, { atMs }] of log.entries()) {
        for (const { atMs: fromMs } of log.slice(0, at + 1)) {
          const passed = sumSince(log.slice(0, at + 1), fromMs - 1)
          const most = of.burst + ((atMs - fromMs) * of.limit) / of.perMs
          expect(passed).toBeLessThanOrEqual(most)
        }
      }
    },
  )
  fc.assert(law, { numRuns: 500 })
})

test('what was used beyond the hold is counted: the next request waits for it too', () => {
  for (const kind of ['sliding-window', 'fixed-window'] as const) {
    const line = { kind, key: 'k', limit: 10, perMs: 60_000 } as const
    const state = emptySlot()
    take(state, line, 4, START_MS)
    giveBack(state, { line, amount: 4 }, { total: 9, output: null }, START_MS)
    expect(measure(state, line, 2, START_MS)).toMatchObject({ fits: false, remaining: 1 })
  }
})

test.each([
  ['input', 6, 3],
  ['output', 3, 6],
  ['tokens', 3, 3],
] as const)('a limit of %s is corrected by what of that was used', (unit, held, left) => {
  const line = { kind: 'fixed-window', key: 'k', limit: 9, perMs: 60_000, unit } as const
  const state = emptySlot()
  take(state, line, held, START_MS)
  giveBack(state, { line, amount: held }, { total: 6, output: unit === 'output' ? 3 : 0 }, START_MS)
  expect(measure(state, line, 0, START_MS).remaining).toBe(left)
})

test('a limit that gets another period or algorithm begins anew, and locks nobody out', () => {
  const minute = { kind: 'sliding-window', key: 'k', limit: 1, perMs: 60_000 } as const
  const state = emptySlot()
  take(state, minute, 1, START_MS)
  for (const line of [
    { ...minute, perMs: 3_600_000 },
    { ...minute, kind: 'fixed-window' },
    { ...minute, kind: 'token-bucket', burst: 1 },
  ] as const) {
    expect(measure(state, line, 1, START_MS)).toMatchObject({ fits: true, remaining: 1 })
    take(state, line, 1, START_MS)
    expect(measure(state, line, 1, START_MS + line.perMs * 3)).toMatchObject({ fits: true })
  }
})

test('whoever comes at the very instant of each retry gets no token more than the rate', () => {
  const line = { kind: 'token-bucket', key: 'k', limit: 997, perMs: 60_000, burst: 2 } as const
  const state = emptySlot()
  let nowMs = START_MS
  for (let taken = 0; taken < 900; taken++) {
    nowMs = measure(state, line, 1, nowMs).retryAtMs
    expect((nowMs - START_MS) * line.limit).toBeGreaterThanOrEqual((taken - 1) * line.perMs)
    take(state, line, 1, nowMs)
  }
})
