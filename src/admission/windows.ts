import { Temporal } from 'temporal-polyfill'
import type { Period } from '../config/policy-types.ts'

/** One calendar window: [startMs, endMs) in UTC ms. */
export interface CalendarWindow {
  /** `2026`, `2026-11`, `2026-W47`, `2026-11-21`, `2026-11-21T14`, `2026-11-21T1405`; `b` marks a repeated hour. */
  readonly id: string
  readonly startMs: number
  readonly endMs: number
}

type Local = Temporal.ZonedDateTime

const pad = (value: number): string => String(value).padStart(2, '0')
const dayId = (at: Local): string => at.toPlainDate().toString()

const STARTS: Record<'day' | 'week' | 'month' | 'year', (at: Local) => Local> = {
  day: (at) => at.startOfDay(),
  week: (at) => at.subtract({ days: at.dayOfWeek - 1 }).startOfDay(),
  month: (at) => at.with({ day: 1 }).startOfDay(),
  year: (at) => at.with({ month: 1, day: 1 }).startOfDay(),
}

const STEPS = {
  day: { days: 1 },
  week: { weeks: 1 },
  month: { months: 1 },
  year: { years: 1 },
} as const

const IDS: Record<Period, (at: Local) => string> = {
  year: (at) => String(at.year),
  month: (at) => at.toPlainDate().toPlainYearMonth().toString(),
  week: (at) => `${at.yearOfWeek}-W${pad(at.weekOfYear ?? 0)}`,
  day: dayId,
  hour: (at) => `${dayId(at)}T${pad(at.hour)}`,
  minute: (at) => `${dayId(at)}T${pad(at.hour)}${pad(at.minute)}`,
}

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
  return {
    id: IDS[per](at) + (repeated ? 'b' : ''),
    startMs,
    endMs: Math.min(cutMs + lengthMs, after?.epochMilliseconds ?? Number.POSITIVE_INFINITY),
  }
}

const offsetOf = (at: Local): number => Math.round(at.offsetNanoseconds / 1_000_000)

/** How far a transition set the local clock back, ms; 0 when it went forward. */
const setBackBy = (transition: Local): number =>
  Math.max(offsetOf(transition.subtract({ milliseconds: 1 })) - offsetOf(transition), 0)

function dateWindow(per: keyof typeof STEPS, at: Local): CalendarWindow {
  const start = STARTS[per](at)
  const end = start.add(STEPS[per]).startOfDay()
  // Where a clock went back over midnight, the last of the old day came after the first of the new one: it is the new day's.
  if (at.epochMilliseconds >= end.epochMilliseconds) return dateWindow(per, end)
  return {
    id: IDS[per](start),
    startMs: start.epochMilliseconds,
    endMs: end.epochMilliseconds,
  }
}

function computeWindow(per: Period, timezone: string, atMs: number): CalendarWindow {
  const at = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timezone)
  return per === 'hour' || per === 'minute' ? clockWindow(per, at) : dateWindow(per, at)
}

/** Last window of each period and timezone: time moves on, so nearly every call finds its own here. */
const recent = new Map<string, CalendarWindow>()

/**
 * The window that holds an instant, in a timezone's calendar. Pure; the newest answer per period and timezone is
 * remembered, since asking the calendar costs about 20 us.
 * @param timezone - IANA name, already validated.
 */
export function windowAt(per: Period, timezone: string, atMs: number): CalendarWindow {
  const key = `${per} ${timezone}`
  const known = recent.get(key)
  if (known && atMs >= known.startMs && atMs < known.endMs) return known
  const window = computeWindow(per, timezone, atMs)
  recent.set(key, window)
  return window
}
