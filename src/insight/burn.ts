import type { Nano } from '../money/nano.ts'
import { localClock } from './local-clock.ts'
import { DAY_HOURS, HOUR_MS, hourOf, type SpendHours } from './spend-hours.ts'

/** What is usual is looked for in four weeks. */
export const USUAL_HOURS = 28 * DAY_HOURS
/** With fewer days nothing is usual yet. */
const LEAST_DAYS = 3
/** The same hour of the same weekday says as much as three of other days. */
const SAME_WEEKDAY = 3
/** At night as good as nothing may be usual: an hour is held against this share of a mean one at least. */
const LEAST_SHARE = 0.25

export interface BurnQuestion {
  /** Hours that are over. */
  readonly history: SpendHours
  readonly nowMs: number
  /** What was spent since the full hour. */
  readonly hourNano: Nano
  /** IANA name, already validated. */
  readonly timezone: string
}

export interface Burn {
  /** When the hour began that is looked at, UTC ms. */
  readonly hourMs: number
  readonly hourNano: Nano
  /** What the whole of this hour of this weekday usually costs; null = fewer than three days are known. */
  readonly usualNano: Nano | null
  /**
   * `hourNano` by `usualNano`: as the hour is still running, it is at least this. null = nothing is usual: too few days,
   * or nothing was spent in them.
   */
  readonly ratio: number | null
}

/**
 * How much dearer than usual this hour is. What is usual is the median, so that last week's accident is not: of this
 * hour on other days, those of the same weekday counting more. Pure.
 */
export function burnOf({ history, nowMs, hourNano, timezone }: BurnQuestion): Burn {
  const hourMs = hourOf(nowMs)
  const usualNano = usualOf(history, hourMs, timezone)
  const ratio = usualNano ? hourNano / usualNano : null
  return { hourMs, hourNano, usualNano, ratio }
}

function usualOf({ firstHourMs, nano }: SpendHours, hourMs: number, timezone: string) {
  const first = Math.max(nano.length - USUAL_HOURS, 0)
  if (nano.length - first < LEAST_DAYS * DAY_HOURS) return null
  const clock = localClock(timezone, firstHourMs, hourMs)
  const own = clock(hourMs)
  const alike: number[] = []
  let sum = 0
  for (let at = first; at < nano.length; at += 1) {
    const spent = nano[at] ?? 0
    const hour = clock(firstHourMs + at * HOUR_MS)
    sum += spent
    if (hour === own) alike.push(...new Array<number>(SAME_WEEKDAY).fill(spent))
    else if (hour % DAY_HOURS === own % DAY_HOURS) alike.push(spent)
  }
  const least = (sum / (nano.length - first)) * LEAST_SHARE
  return Math.round(Math.max(median(alike), least))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [below = 0, above = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return (below + above) / 2
}
