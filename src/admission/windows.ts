import { Temporal } from 'temporal-polyfill'
import type { Calendar } from '../config/policy-types.ts'
import { FOREVER_MS } from './plan-lines.ts'

/** One calendar window: [startMs, endMs) in UTC ms. */
export interface CalendarWindow {
  /**
   * `2026`, `2026-11`, `2026-W47`, `2026-11-21`, `2026-11-21T14`, `2026-11-21T1405`; `b` marks a repeated hour. A month
   * or year that starts elsewhere says its first and last day, `2026-11-15..2026-12-14`. `lifetime` has no end.
   */
  readonly id: string
  readonly startMs: number
  readonly endMs: number
}

type Local = Temporal.ZonedDateTime
type Day = Temporal.PlainDate

const pad = (value: number): string => String(value).padStart(2, '0')

const LENGTHS_MS = { hour: 3_600_000, minute: 60_000 } as const

/** Hours and minutes are cut from the local clock as it runs; a clock change ends one window and starts the next. */
function clockWindow(per: 'hour' | 'minute', at: Local): CalendarWindow {
  const lengthMs = LENGTHS_MS[per]
  const offsetMs = offsetOf(at)
  const cutMs = Math.floor((at.epochMilliseconds + offsetMs) / lengthMs) * lengthMs - offsetMs
  // `previous` is strictly before, and a change at this very instant has happened.
  const before = at.add({ milliseconds: 1 }).getTimeZoneTransition('previous')
  const after = at.getTimeZoneTransition('next')
  const changedMs = before?.epochMilliseconds ?? Number.NEGATIVE_INFINITY
  const startMs = Math.max(cutMs, changedMs)
  const repeated = before !== null && startMs < changedMs + setBackBy(before)
  const minute = per === 'minute' ? pad(at.minute) : ''
  return {
    id: `${at.toPlainDate()}T${pad(at.hour)}${minute}${repeated ? 'b' : ''}`,
    startMs,
    endMs: Math.min(cutMs + lengthMs, after?.epochMilliseconds ?? Number.POSITIVE_INFINITY),
  }
}

const offsetOf = (at: Local): number => Math.round(at.offsetNanoseconds / 1_000_000)

/** How far a transition set the local clock back, ms; 0 when it went forward. */
const setBackBy = (transition: Local): number =>
  Math.max(offsetOf(transition.subtract({ milliseconds: 1 })) - offsetOf(transition), 0)

type DateCalendar = Exclude<Calendar, { per: 'minute' | 'hour' | 'lifetime' }>

/** The days on which the window that holds a day, and the one after it, begin. */
interface Span {
  readonly first: Day
  readonly next: Day
  /** Of a window that begins where the calendar's own do. */
  readonly id: string | null
}

function spanOf(cut: DateCalendar, day: Day): Span {
  switch (cut.per) {
    case 'day':
      return { first: day, next: day.add({ days: 1 }), id: day.toString() }
    case 'week': {
      const first = day.subtract({ days: day.dayOfWeek - 1 })
      const id = `${first.yearOfWeek}-W${pad(first.weekOfYear ?? 0)}`
      return { first, next: first.add({ weeks: 1 }), id }
    }
    case 'month': {
      const { startsOn = 1 } = cut
      const span = spanFrom(day, { months: 1 }, (some) => some.with({ day: startsOn }))
      return { ...span, id: startsOn === 1 ? span.first.toPlainYearMonth().toString() : null }
    }
    case 'year': {
      const { startsOn = '01-01' } = cut
      const [month = 1, date = 1] = startsOn.split('-').map(Number)
      const span = spanFrom(day, { years: 1 }, (some) => some.with({ month, day: date }))
      return { ...span, id: startsOn === '01-01' ? String(span.first.year) : null }
    }
  }
}

/** @param startIn - the start in the month or year of a day; a date that it does not have is the last before it. */
function spanFrom(
  day: Day,
  step: { readonly months: 1 } | { readonly years: 1 },
  startIn: (some: Day) => Day,
): Pick<Span, 'first' | 'next'> {
  const own = startIn(day)
  const begun = Temporal.PlainDate.compare(day, own) >= 0
  const first = begun ? own : startIn(day.subtract(step))
  // Of a month in which the start was cut short, the next one is on its own day again.
  return { first, next: startIn(first.add(step)) }
}

function dateWindow(cut: DateCalendar, day: Day, timezone: string, atMs: number): CalendarWindow {
  const { first, next, id } = spanOf(cut, day)
  const endMs = next.toZonedDateTime(timezone).epochMilliseconds
  // Where a clock went back over midnight, the last of the old day came after the first of the new one: it is the new day's.
  if (atMs >= endMs) return dateWindow(cut, next, timezone, atMs)
  const startMs = first.toZonedDateTime(timezone).epochMilliseconds
  return { id: id ?? `${first}..${next.subtract({ days: 1 })}`, startMs, endMs }
}

const LIFETIME: CalendarWindow = { id: 'lifetime', startMs: 0, endMs: FOREVER_MS }

function computeWindow(cut: Calendar, timezone: string, atMs: number): CalendarWindow {
  const at = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timezone)
  switch (cut.per) {
    case 'lifetime':
      return LIFETIME
    case 'hour':
    case 'minute':
      return clockWindow(cut.per, at)
    default:
      return dateWindow(cut, at.toPlainDate(), timezone, atMs)
  }
}

/** Last window of each calendar and timezone: time moves on, so nearly every call finds its own here. */
const recent = new Map<string, CalendarWindow>()

/**
 * The window that holds an instant, in a timezone's calendar. Pure; the newest answer per calendar and timezone is
 * remembered, since asking the calendar costs about 20 us.
 * @param timezone - IANA name, already validated.
 */
export function windowAt(cut: Calendar, timezone: string, atMs: number): CalendarWindow {
  const key = `${cut.per} ${'startsOn' in cut ? cut.startsOn : ''} ${timezone}`
  const known = recent.get(key)
  if (known && atMs >= known.startMs && atMs < known.endMs) return known
  const window = computeWindow(cut, timezone, atMs)
  recent.set(key, window)
  return window
}
