import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { burnOf } from '../../src/insight/burn.ts'
import { type ForecastQuestion, forecast } from '../../src/insight/forecast.ts'
import { localClock } from '../../src/insight/local-clock.ts'
import { HOUR_MS, spendHours } from '../../src/insight/spend-hours.ts'

const DAY_MS = 24 * HOUR_MS
/** A Monday. */
const START_MS = Date.UTC(2026, 0, 5)
const USD = 1_000_000_000

/** Numbers from 0 to 1, the same for a seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Shape {
  /** Spread of single days, and how far the level moves in one, as logarithms. */
  readonly noise: number
  readonly drift: number
  readonly seasons: boolean
}

const SHAPES: Readonly<Record<string, Shape>> = {
  'steady seasons': { noise: 0.15, drift: 0, seasons: true },
  'noisy days': { noise: 0.5, drift: 0, seasons: true },
  'a level that wanders': { noise: 0.15, drift: 0.05, seasons: true },
  'flat and noisy': { noise: 0.5, drift: 0.03, seasons: false },
}

/** Spend of hours: a level, days around it, hours around those. */
function series(hours: number, { noise, drift, seasons }: Shape, random: () => number): number[] {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  let [level, day] = [1, 1]
  return Array.from({ length: hours }, (_, at) => {
    if (at % 24 === 0) {
      level *= Math.exp(normal() * drift)
      day = Math.exp(normal() * noise - (noise * noise) / 2)
    }
    const weekend = Math.floor(at / 24) % 7 >= 5 ? 0.25 : 1
    const season = seasons ? (1 + 0.8 * Math.sin(((at % 24) - 6) * (Math.PI / 12))) * weekend : 1
    return Math.round(USD * level * day * season * Math.exp(normal() * 0.4 - 0.08))
  })
}

const sum = (nano: readonly number[]): number => nano.reduce((total, one) => total + one, 0)

function ask(history: readonly number[], aheadHours: number, more: Partial<ForecastQuestion> = {}) {
  const nowMs = START_MS + history.length * HOUR_MS
  return forecast({
    history: { firstHourMs: START_MS, nano: history },
    nowMs,
    window: { startMs: nowMs - DAY_MS, endMs: nowMs + aheadHours * HOUR_MS },
    ...{ spentNano: 0, limitNano: null, timezone: 'UTC' },
    ...more,
  })
}

describe('forecast', () => {
  test.each(Object.entries(SHAPES))(
    'the interval holds the truth eight times of ten: %s',
    (_, shape) => {
      const random = seeded(7)
      let [inside, asked] = [0, 0]
      for (let round = 0; round < 60; round += 1) {
        for (const [days, ahead] of [
          [20, 7 * 24],
          [56, 20 * 24],
        ] as const) {
          const hours = series(days * 24 + ahead, shape, random)
          const truth = sum(hours.slice(days * 24))
          const { lowNano, highNano } = ask(hours.slice(0, days * 24), ahead)
          inside += truth >= lowNano && truth <= highNano ? 1 : 0
          asked += 1
        }
      }
      // 120 draws at 0.8: three deviations are 0.11.
      expect(inside / asked).toBeGreaterThan(0.69)
    },
  )

  test('hours and weekdays are learned: a quiet weekend ahead costs a quarter of a working day', () => {
    const hours = series(35 * 24, { noise: 0.02, drift: 0, seasons: true }, seeded(3))
    const friday = hours.slice(0, 33 * 24)
    const expected = ask(friday, 48).expectedNano
    const truth = sum(hours.slice(33 * 24))
    expect(expected / truth).toBeGreaterThan(0.85)
    expect(expected / truth).toBeLessThan(1.15)
    const night = ask(hours.slice(0, 28 * 24), 3)
    const noon = ask(hours.slice(0, 28 * 24 + 11), 3)
    expect(noon.expectedNano).toBeGreaterThan(3 * night.expectedNano)
  })

  test('little history says so, with an interval that narrows as days come in', () => {
    const hours = series(40 * 24, SHAPES['steady seasons'] as Shape, seeded(5))
    const after = [0.5, 2, 5, 20, 40].map((days) => ask(hours.slice(0, days * 24), 7 * 24))
    expect(after.map(({ basis }) => basis)).toEqual(['rate', 'rate', 'day', 'week', 'week'])
    const widths = after.map(({ lowNano, highNano }) => highNano / lowNano)
    expect(widths[0]).toBeGreaterThan(5)
    expect(widths.at(-1)).toBeLessThan(1.7)
    expect(ask([], 24)).toMatchObject({ basis: 'none', expectedNano: 0, highNano: 0 })
    expect(ask([0, 0, 0], 24)).toMatchObject({ basis: 'none', historyHours: 3 })
  })

  test('the day that money runs dry lies where the curve meets the limit, the earliest before it', () => {
    const hours = new Array<number>(28 * 24).fill(USD)
    const nowMs = START_MS + hours.length * HOUR_MS
    const found = ask(hours, 10 * 24, { limitNano: 100 * USD, spentNano: 28 * USD })
    expect(found.runsDryAtMs).toBe(nowMs + 72 * HOUR_MS)
    expect(found.runsDryEarliestMs).toBeLessThan(nowMs + 72 * HOUR_MS)
    expect(ask(hours, 24, { limitNano: 100 * USD }).runsDryAtMs).toBeNull()
    const spent = ask(hours, 24, { limitNano: 100 * USD, spentNano: 100 * USD })
    expect(spent.runsDryAtMs).toBe(nowMs)
  })

  test('low, expected and high never fall below what is spent, nor change their order, on any history', () => {
    const law = fc.property(
      fc.array(fc.nat(5 * USD), { maxLength: 24 * 30 }),
      fc.nat(40 * 24),
      fc.nat(USD),
      (hours, ahead, spentNano) => {
        const { points, untilMs, ...end } = ask(hours, ahead, { spentNano, limitNano: USD })
        for (const point of [...points, { ...end, atMs: untilMs }]) {
          expect(point.lowNano).toBeGreaterThanOrEqual(spentNano)
          expect(point.expectedNano).toBeGreaterThanOrEqual(point.lowNano)
          expect(point.highNano).toBeGreaterThanOrEqual(point.expectedNano)
          expect(Number.isSafeInteger(point.highNano)).toBe(true)
        }
        expect(points.length).toBeLessThanOrEqual(62)
      },
    )
    fc.assert(law, { numRuns: 60 })
  })

  test('a window for good is told for a year', () => {
    const found = ask(new Array<number>(24 * 20).fill(USD), 0, {
      window: { startMs: 0, endMs: 8e15 },
    })
    expect(found.untilMs).toBe(START_MS + (20 + 366) * DAY_MS)
  })
})

describe('burn', () => {
  const hours = series(35 * 24, { noise: 0.1, drift: 0, seasons: true }, seeded(11))
  const at = (hour: number, hourNano: number, past = hours) =>
    burnOf({
      history: { firstHourMs: START_MS, nano: past.slice(0, hour) },
      nowMs: START_MS + hour * HOUR_MS + 60_000,
      ...{ hourNano, timezone: 'UTC' },
    })

  test('an hour is held against the same hour of other days', () => {
    const noon = 30 * 24 + 12
    expect(at(noon, hours[noon] ?? 0).ratio).toBeGreaterThan(0.3)
    expect(at(noon, hours[noon] ?? 0).ratio).toBeLessThan(2.5)
    expect(at(noon, 8 * (hours[noon] ?? 0)).ratio).toBeGreaterThan(3)
  })

  test('an accident of last week does not make the next one usual', () => {
    const noon = 30 * 24 + 12
    const once = hours.map((nano, hour) => (hour === noon - 7 * 24 ? nano * 50 : nano))
    const [clean, marred] = [at(noon, USD), at(noon, USD, once)]
    expect(marred.usualNano).toBeLessThan(1.5 * (clean.usualNano ?? 0))
  })

  test('with fewer than three days nothing is usual', () => {
    expect(at(71, USD)).toMatchObject({ usualNano: null, ratio: null })
    expect(at(72, USD).ratio).not.toBeNull()
  })
})

test('hours of nothing stand between those that cost something', () => {
  const rows = [
    { hourMs: 5 * HOUR_MS, costNano: 3 },
    { hourMs: 2 * HOUR_MS, costNano: 1 },
    { hourMs: 5 * HOUR_MS, costNano: 4 },
    { hourMs: 7 * HOUR_MS, costNano: 9 },
  ]
  expect(spendHours(rows, 7.5 * HOUR_MS)).toEqual({
    firstHourMs: 2 * HOUR_MS,
    nano: [1, 0, 0, 7, 0],
  })
})

test('a clock knows the local hour of the week on both sides of a change', () => {
  const clock = localClock('Europe/Berlin', Date.UTC(2026, 9, 1), Date.UTC(2026, 10, 1))
  // Saturday 24 October 2026, 12:00 UTC is 14:00; Monday the 26th, 12:00 UTC is 13:00.
  expect(clock(Date.UTC(2026, 9, 24, 12))).toBe(5 * 24 + 14)
  expect(clock(Date.UTC(2026, 9, 26, 12))).toBe(13)
})
