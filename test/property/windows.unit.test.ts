import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, test } from 'vitest'
import { type CalendarWindow, windowAt } from '../../src/admission/windows.ts'
import { PERIODS, type Period } from '../../src/config/periods.ts'
import type { Calendar } from '../../src/config/policy-types.ts'

/**
 * Europe and America: changes on Sundays, in opposite seasons. Lord Howe: half an hour. Kathmandu: a quarter of an hour,
 * once. Sao Paulo: at midnight. St. John's: a minute past midnight. Havana: midnight twice. Apia: a day left out.
 */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Sao_Paulo',
  'America/St_Johns',
  'America/Havana',
  'Pacific/Apia',
] as const

const FROM = Date.UTC(1985, 0, 1)
const TO = Date.UTC(2035, 0, 1)

/** Every change of the clock in these years, UTC ms. */
function changesOf(zone: string): number[] {
  const changes: number[] = []
  let at = Temporal.Instant.fromEpochMilliseconds(FROM).toZonedDateTimeISO(zone)
  for (;;) {
    const next = at.getTimeZoneTransition('next')
    if (!next || next.epochMilliseconds >= TO) return changes
    changes.push(next.epochMilliseconds)
    at = next
  }
}
const CHANGES = new Map(ZONES.map((zone) => [zone, changesOf(zone)]))

const HOUR_MS = 3_600_000

/** Any instant, and many close to a change of the clock: at it, a millisecond or some hours off it. */
const instantIn = (zone: (typeof ZONES)[number]) => {
  const anywhere = fc.integer({ min: FROM, max: TO })
  const changes = CHANGES.get(zone) ?? []
  if (changes.length === 0) return anywhere
  const offset = fc.oneof(
    fc.constantFrom(0, -1, 1, 60_000, -60_000),
    fc.integer({ min: -26 * HOUR_MS, max: 26 * HOUR_MS }),
  )
  const near = fc.tuple(fc.constantFrom(...changes), offset).map(([at, off]) => at + off)
  return fc.oneof(anywhere, { arbitrary: near, weight: 3 })
}
const place = fc
  .constantFrom(...ZONES)
  .chain((zone) => fc.record({ zone: fc.constant(zone), atMs: instantIn(zone) }))
const period = fc.constantFrom<Period>(...PERIODS)
/** A calendar that begins where the calendar's own months and years do. */
const plain = (per: Period): Calendar => ({ per })

/** Windows one after another, from the one that holds an instant. */
function windowsFrom(cut: Calendar, zone: string, atMs: number, count: number): CalendarWindow[] {
  const windows: CalendarWindow[] = []
  for (let at = atMs; windows.length < count; at = windows.at(-1)?.endMs ?? at) {
    windows.push(windowAt(cut, zone, at))
  }
  return windows
}

/** In 1988 St. John's put its clock back by two hours. */
const LONGEST_MS: Record<Period, number> = {
  minute: 60_000,
  hour: HOUR_MS,
  day: 26 * HOUR_MS,
  week: (7 * 24 + 2) * HOUR_MS,
  month: (31 * 24 + 2) * HOUR_MS,
  year: (366 * 24 + 2) * HOUR_MS,
}

describe('calendar windows', () => {
  // Red when: a change at the very instant counts as one to come; `b` follows the instant and not the window's start;
  // a day that begins twice ends at its first end.
  test('an instant is inside its window, whose every instant has that window', () => {
    const law = fc.property(
      place,
      period,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (at, per, part) => {
        const window = windowAt(plain(per), at.zone, at.atMs)
        expect(window.startMs).toBeLessThanOrEqual(at.atMs)
        expect(window.endMs).toBeGreaterThan(at.atMs)
        expect(window.endMs - window.startMs).toBeLessThanOrEqual(LONGEST_MS[per])
        const length = window.endMs - window.startMs
        const other = window.startMs + Math.min(Math.floor(length * part), length - 1)
        for (const atMs of [window.startMs, other, window.endMs - 1]) {
          // Another period in between, so that the remembered window is not asked.
          windowAt(plain(per), at.zone, window.startMs - 400 * 24 * HOUR_MS)
          expect(windowAt(plain(per), at.zone, atMs)).toEqual(window)
        }
      },
    )
    fc.assert(law, { numRuns: 1_500 })
  })

  test('windows tile time without gap or overlap, each under an id of its own', () => {
    const law = fc.property(place, period, ({ zone, atMs }, per) => {
      const windows = windowsFrom(plain(per), zone, atMs, 30)
      for (const [at, { startMs }] of windows.entries()) {
        expect(startMs).toBe(at === 0 ? startMs : windows[at - 1]?.endMs)
      }
      expect(new Set(windows.map(({ id }) => id)).size).toBe(windows.length)
    })
    fc.assert(law, { numRuns: 300 })
  })

  test('no id comes back in fifty years of days and hours around every change of the clock', () => {
    for (const zone of ZONES) {
      const ids = new Map<string, number>()
      for (const change of CHANGES.get(zone) ?? []) {
        for (const per of ['day', 'hour'] as const) {
          for (const { id, startMs } of windowsFrom(plain(per), zone, change - 2 * HOUR_MS, 5)) {
            expect(ids.get(id) ?? startMs, `${zone} ${id}`).toBe(startMs)
            ids.set(id, startMs)
          }
        }
      }
    }
  })

  test('ids hold no colon and no blank, and sort as time does within a year', () => {
    const law = fc.property(place, period, ({ zone, atMs }, per) => {
      const [a, b] = windowsFrom(plain(per), zone, atMs, 2)
      expect(a?.id).toMatch(/^\d{4}(-\d\d(-\d\d(T\d\d(\d\d)?b?)?)?|-W\d\d)?$/)
      const fallsBack = a?.id.endsWith('b') || b?.id.endsWith('b')
      if (!fallsBack) expect((a?.id ?? '') < (b?.id ?? '')).toBe(true)
    })
    fc.assert(law, { numRuns: 1_000 })
  })

  test.each([
    ['month', 'UTC', '2024-02-29T12:00Z', '2024-02', '2024-02-01T00:00Z', '2024-03-01T00:00Z'],
    ['month', 'UTC', '2023-02-28T23:59Z', '2023-02', '2023-02-01T00:00Z', '2023-03-01T00:00Z'],
    [
      'month',
      'Europe/Berlin',
      '2026-10-31T23:30Z',
      '2026-11',
      '2026-10-31T23:00Z',
      '2026-11-30T23:00Z',
    ],
    [
      'year',
      'Asia/Kathmandu',
      '2026-12-31T18:15Z',
      '2027',
      '2026-12-31T18:15Z',
      '2027-12-31T18:15Z',
    ],
    ['week', 'UTC', '2021-01-03T23:59Z', '2020-W53', '2020-12-28T00:00Z', '2021-01-04T00:00Z'],
    ['week', 'UTC', '2024-12-30T00:00Z', '2025-W01', '2024-12-30T00:00Z', '2025-01-06T00:00Z'],
    [
      'week',
      'Europe/Berlin',
      '2026-11-21T14:05Z',
      '2026-W47',
      '2026-11-15T23:00Z',
      '2026-11-22T23:00Z',
    ],
    [
      'day',
      'Europe/Berlin',
      '2026-03-29T12:00Z',
      '2026-03-29',
      '2026-03-28T23:00Z',
      '2026-03-29T22:00Z',
    ],
    [
      'day',
      'America/Sao_Paulo',
      '2018-11-04T12:00Z',
      '2018-11-04',
      '2018-11-04T03:00Z',
      '2018-11-05T02:00Z',
    ],
    [
      'hour',
      'Europe/Berlin',
      '2026-10-25T00:30Z',
      '2026-10-25T02',
      '2026-10-25T00:00Z',
      '2026-10-25T01:00Z',
    ],
    [
      'hour',
      'Europe/Berlin',
      '2026-10-25T01:00Z',
      '2026-10-25T02b',
      '2026-10-25T01:00Z',
      '2026-10-25T02:00Z',
    ],
    [
      'hour',
      'Australia/Lord_Howe',
      '2026-04-04T15:00Z',
      '2026-04-05T01b',
      '2026-04-04T15:00Z',
      '2026-04-04T15:30Z',
    ],
    [
      'hour',
      'Asia/Kathmandu',
      '2026-11-21T14:20Z',
      '2026-11-21T20',
      '2026-11-21T14:15Z',
      '2026-11-21T15:15Z',
    ],
    [
      'minute',
      'UTC',
      '2026-11-21T14:05:59Z',
      '2026-11-21T1405',
      '2026-11-21T14:05Z',
      '2026-11-21T14:06Z',
    ],
  ] as const)('%s in %s at %s is %s', (per, zone, at, id, start, end) => {
    expect(windowAt(plain(per), zone, Date.parse(at))).toEqual({
      id,
      startMs: Date.parse(start),
      endMs: Date.parse(end),
    })
  })
})
