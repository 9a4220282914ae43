import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FOREVER_MS } from '../../src/admission/plan-lines.ts'
import { windowAt } from '../../src/admission/windows.ts'
import type { Calendar } from '../../src/config/policy-types.ts'

/** Opposite seasons, half an hour, a quarter of an hour, a change at midnight. */
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Sao_Paulo',
] as const
type Zone = (typeof ZONES)[number]

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const FROM = Date.UTC(1995, 0, 1)
const TO = Date.UTC(2040, 0, 1)

/** A day of the calendar on the wall: nothing of this is asked of the library under test. */
interface Wall {
  readonly year: number
  readonly month: number
  readonly day: number
}

const formats = new Map(
  ZONES.map((zone) => [
    zone,
    new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
    }),
  ]),
)

function wallAt(zone: Zone, atMs: number): Wall {
  const parts = formats.get(zone)?.formatToParts(atMs) ?? []
  const field = (name: string) => Number(parts.find(({ type }) => type === name)?.value)
  return { year: field('year'), month: field('month'), day: field('day') }
}

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
const daysIn = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
const pad = (value: number) => String(value).padStart(2, '0')
const textOf = ({ year, month, day }: Wall) => `${year}-${pad(month)}-${pad(day)}`

/** The first day of the `n`th fiscal month or year. */
function firstOf(cut: Calendar, n: number): Wall {
  if (cut.per === 'year') {
    const [month = 1, day = 1] = (cut.startsOn ?? '01-01').split('-').map(Number)
    return { year: n, month, day: Math.min(day, daysIn(n, month)) }
  }
  const year = Math.floor(n / 12)
  const month = (n % 12) + 1
  const startsOn = cut.per === 'month' ? (cut.startsOn ?? 1) : 1
  return { year, month, day: Math.min(startsOn, daysIn(year, month)) }
}

/** Counts fiscal months or years by nothing but numbers. */
function countAt(cut: Calendar, wall: Wall): number {
  const own = cut.per === 'year' ? wall.year : wall.year * 12 + wall.month - 1
  return textOf(wall) >= textOf(firstOf(cut, own)) ? own : own - 1
}

const lastBefore = (first: Wall): Wall => {
  const before = new Date(Date.UTC(first.year, first.month - 1, first.day) - DAY_MS)
  return {
    year: before.getUTCFullYear(),
    month: before.getUTCMonth() + 1,
    day: before.getUTCDate(),
  }
}

const cut = fc.oneof(
  fc
    .integer({ min: 1, max: 31 })
    .map((day): Calendar => (day === 1 ? { per: 'month' } : { per: 'month', startsOn: day })),
  fc
    .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }))
    .map(([month, day]): Calendar => {
      const text = `${pad(month)}-${pad(Math.min(day, daysIn(2024, month)))}`
      return text === '01-01' ? { per: 'year' } : { per: 'year', startsOn: text }
    }),
)

/** Anywhere, and often within hours of a month's last midnights, where clocks and lengths differ. */
const instant = fc.oneof(
  fc.integer({ min: FROM, max: TO }),
  fc
    .record({
      month: fc.integer({ min: 0, max: 44 * 12 }),
      day: fc.constantFrom(0, 1, 2, 14, 15, 16, 27, 28, 29, 30, 31),
      off: fc.oneof(
        fc.constantFrom(-1, 0, 1),
        fc.integer({ min: -15 * HOUR_MS, max: 15 * HOUR_MS }),
      ),
    })
    .map(({ month, day, off }) => Date.UTC(1995, month, day) + off),
)
const zone = fc.constantFrom(...ZONES)

describe('fiscal months and years', () => {
  // Red when a start that a month does not have is not its last day, or when the window after one that was cut short
  // is cut short too.
  test('are those that numbers alone give, by the wall clock of five timezones', () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true })
    const asked = fc.record({ calendar: cut, place: zone, atMs: instant, part })
    const law = fc.property(asked, ({ calendar, place, atMs, part: some }) => {
      const { id, startMs, endMs } = windowAt(calendar, place, atMs)
      const n = countAt(calendar, wallAt(place, atMs))
      expect(startMs).toBeLessThanOrEqual(atMs)
      expect(endMs).toBeGreaterThan(atMs)
      const inside = startMs + Math.floor((endMs - 1 - startMs) * some)
      for (const other of [startMs, inside, endMs - 1]) {
        expect(countAt(calendar, wallAt(place, other))).toBe(n)
      }
      expect(countAt(calendar, wallAt(place, startMs - 1))).toBe(n - 1)
      expect(countAt(calendar, wallAt(place, endMs))).toBe(n + 1)
      if ('startsOn' in calendar) {
        const last = lastBefore(firstOf(calendar, n + 1))
        expect(id).toBe(`${textOf(firstOf(calendar, n))}..${textOf(last)}`)
      }
    })
    fc.assert(law, { numRuns: 3_000 })
  })

  test('no two windows of a calendar share an id, and none has one of a plain calendar', () => {
    const law = fc.property(cut, zone, instant, (calendar, place, atMs) => {
      const ids = new Set<string>()
      let at = atMs
      for (let i = 0; i < 15; i++) {
        const window = windowAt(calendar, place, at)
        ids.add(window.id)
        at = window.endMs
      }
      expect(ids.size).toBe(15)
      for (const per of ['month', 'year', 'day'] as const) {
        const same = JSON.stringify(calendar) === JSON.stringify({ per })
        if (!same) expect(ids).not.toContain(windowAt({ per }, place, atMs).id)
      }
    })
    fc.assert(law, { numRuns: 300 })
  })

  test('an id says the same days whatever calendar has it', () => {
    const law = fc.property(cut, cut, zone, instant, (one, other, place, atMs) => {
      const a = windowAt(one, place, atMs)
      const b = windowAt(other, place, atMs)
      if (a.id === b.id) expect(a).toEqual(b)
    })
    fc.assert(law, { numRuns: 1_000 })
  })

  test.each([
    [{ per: 'month', startsOn: 15 }, '2026-11-14T23:30Z', '2026-11-15..2026-12-14'],
    [{ per: 'month', startsOn: 15 }, '2026-11-14T22:30Z', '2026-10-15..2026-11-14'],
    [{ per: 'month', startsOn: 31 }, '2027-02-28T12:00Z', '2027-02-28..2027-03-30'],
    [{ per: 'month', startsOn: 31 }, '2028-02-28T12:00Z', '2028-01-31..2028-02-28'],
    [{ per: 'month', startsOn: 30 }, '2026-03-29T00:30Z', '2026-02-28..2026-03-29'],
    [{ per: 'year', startsOn: '04-01' }, '2026-03-31T21:59Z', '2025-04-01..2026-03-31'],
    [{ per: 'year', startsOn: '04-01' }, '2026-03-31T22:00Z', '2026-04-01..2027-03-31'],
    [{ per: 'year', startsOn: '02-29' }, '2027-02-28T12:00Z', '2027-02-28..2028-02-28'],
  ] as const)('%o at %s is %s in Berlin', (calendar, at, id) => {
    expect(windowAt(calendar, 'Europe/Berlin', Date.parse(at)).id).toBe(id)
  })
})

test('a lifetime is one window, in every timezone, whose end every tool can write', () => {
  const law = fc.property(zone, instant, (place, atMs) => {
    expect(windowAt({ per: 'lifetime' }, place, atMs)).toEqual({
      id: 'lifetime',
      startMs: 0,
      endMs: FOREVER_MS,
    })
  })
  fc.assert(law, { numRuns: 50 })
  expect(new Date(FOREVER_MS).toISOString()).toBe('9999-12-31T00:00:00.000Z')
})
