import { Temporal } from 'temporal-polyfill'

/** The next instant, this one included, at which local clocks show a time of day. @param at - `HH:MM`. */
export function nextLocal(at: string, timezone: string, nowMs: number): number {
  const now = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timezone)
  const today = now.withPlainTime(Temporal.PlainTime.from(at))
  const next = Temporal.ZonedDateTime.compare(today, now) < 0 ? ofNextDay(now, at) : today
  return next.epochMilliseconds
}

/** The last instant, this one included, at which local clocks showed it; weekly = on a Monday. */
export function lastLocal(
  at: string,
  timezone: string,
  nowMs: number,
  every: 'daily' | 'weekly',
): number {
  const now = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timezone)
  const time = Temporal.PlainTime.from(at)
  const back = every === 'weekly' ? now.dayOfWeek - 1 : 0
  const newest = now.subtract({ days: back }).withPlainTime(time)
  const step = { days: every === 'weekly' ? 7 : 1 }
  const last = Temporal.ZonedDateTime.compare(newest, now) > 0 ? newest.subtract(step) : newest
  return last.withPlainTime(time).epochMilliseconds
}

const ofNextDay = (now: Temporal.ZonedDateTime, at: string): Temporal.ZonedDateTime =>
  now.add({ days: 1 }).withPlainTime(Temporal.PlainTime.from(at))
