import { Temporal } from 'temporal-polyfill'
import { HOUR_MS, WEEK_HOURS } from './spend-hours.ts'

/** Hour of the local week, 0 = Monday at midnight to 167; of an instant in UTC ms. */
export type LocalClock = (atMs: number) => number

interface Stretch {
  readonly fromMs: number
  readonly offsetMs: number
}

// 1970-01-01 was a Thursday.
const EPOCH_HOUR = 72

/**
 * A clock of one timezone for one stretch of time: the calendar is asked at each change of the clock alone, since it
 * takes 20 us, and a forecast looks at thousands of hours.
 * @param timezone - IANA name, already validated.
 */
export function localClock(timezone: string, fromMs: number, toMs: number): LocalClock {
  const stretches = stretchesOf(timezone, fromMs, toMs)
  return (atMs) => {
    const { offsetMs } = stretches.findLast((one) => one.fromMs <= atMs) ?? { offsetMs: 0 }
    const hours = Math.floor((atMs + offsetMs) / HOUR_MS) + EPOCH_HOUR
    return ((hours % WEEK_HOURS) + WEEK_HOURS) % WEEK_HOURS
  }
}

function stretchesOf(timezone: string, fromMs: number, toMs: number): Stretch[] {
  let at = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(timezone)
  const stretches = [{ fromMs: Number.NEGATIVE_INFINITY, offsetMs: offsetOf(at) }]
  for (;;) {
    const next = at.getTimeZoneTransition('next')
    if (next === null || next.epochMilliseconds > toMs) return stretches
    stretches.push({ fromMs: next.epochMilliseconds, offsetMs: offsetOf(next) })
    at = next
  }
}

const offsetOf = (at: Temporal.ZonedDateTime): number => at.offsetNanoseconds / 1_000_000
