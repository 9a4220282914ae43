import type { LocalClock } from './local-clock.ts'
import { DAY_HOURS, HOUR_MS, type SpendHours, WEEK_HOURS } from './spend-hours.ts'

/**
 * What a forecast rests on: nothing that was spent; a flat rate, of less than three days; the hours of the day; those of
 * the week, from two weeks on.
 */
export const BASES = ['none', 'rate', 'day', 'week'] as const
export type Basis = (typeof BASES)[number]

const LEAST_DAYS = { day: 3, week: 14 } as const

export function basisOf({ nano }: SpendHours): Basis {
  if (!nano.some((hour) => hour > 0)) return 'none'
  const days = nano.length / DAY_HOURS
  if (days >= LEAST_DAYS.week) return 'week'
  return days >= LEAST_DAYS.day ? 'day' : 'rate'
}

/** How much dearer than the mean each hour of the local week is; 168 shares whose mean is 1. */
export type Season = readonly number[]

// What an hour of the week has seen is weighed against what its day and its hour would say, as if that were three weeks.
const PRIOR_WEEKS = 3
// Habits change: what lies three weeks back counts half.
const HALF_LIFE_HOURS = 21 * DAY_HOURS

export function seasonOf(history: SpendHours, basis: Basis, clock: LocalClock): Season {
  const seen = weighed(history, clock)
  const flat = new Array<number>(WEEK_HOURS).fill(1)
  if (basis === 'none' || basis === 'rate') return flat
  const all = meanOf(seen)
  const ofHour = shares(seen, all, (hour) => hour % DAY_HOURS)
  if (basis === 'day') return normal(flat.map((_, hour) => ofHour(hour)))
  const ofDay = shares(seen, all, (hour) => Math.floor(hour / DAY_HOURS))
  return normal(
    seen.map(({ sum, weight }, hour) => {
      const guess = ofHour(hour) * ofDay(hour)
      return (sum / all + PRIOR_WEEKS * guess) / (weight + PRIOR_WEEKS)
    }),
  )
}

interface Seen {
  sum: number
  weight: number
}

/** What each hour of the week cost, newer ones counting more. */
function weighed({ firstHourMs, nano }: SpendHours, clock: LocalClock): Seen[] {
  const seen = Array.from({ length: WEEK_HOURS }, (): Seen => ({ sum: 0, weight: 0 }))
  for (const [at, spent] of nano.entries()) {
    const cell = seen[clock(firstHourMs + at * HOUR_MS)]
    if (!cell) continue
    const weight = 0.5 ** ((nano.length - 1 - at) / HALF_LIFE_HOURS)
    cell.sum += spent * weight
    cell.weight += weight
  }
  return seen
}

const meanOf = (cells: readonly Seen[]): number => {
  const weight = cells.reduce((sum, cell) => sum + cell.weight, 0)
  return weight === 0 ? 0 : cells.reduce((sum, cell) => sum + cell.sum, 0) / weight
}

/** Groups hours of the week. @returns of an hour, how much dearer than the mean its group is. */
function shares(seen: readonly Seen[], all: number, groupOf: (hour: number) => number) {
  const groups = new Map<number, Seen[]>()
  for (const [hour, cell] of seen.entries()) {
    const group = groups.get(groupOf(hour))
    if (group) group.push(cell)
    else groups.set(groupOf(hour), [cell])
  }
  const byGroup = new Map([...groups].map(([key, cells]) => [key, meanOf(cells) / all]))
  return (hour: number): number => byGroup.get(groupOf(hour)) ?? 1
}

function normal(season: Season): Season {
  const mean = season.reduce((sum, share) => sum + share, 0) / season.length
  return mean === 0 ? season.map(() => 1) : season.map((share) => share / mean)
}
