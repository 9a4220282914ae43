import type { LocalClock } from './local-clock.ts'
import type { Basis, Season } from './season.ts'
import { DAY_HOURS, HOUR_MS, type SpendHours } from './spend-hours.ts'

/** What an hour costs now, its season left out, and how sure that is. */
export interface Level {
  /** nano-USD of a mean hour. */
  readonly perHour: number
  /** Variance of one day around the level, as a share of the level, squared. */
  readonly dayVariance: number
  /** By how much the level itself moves in a day, likewise. */
  readonly driftVariance: number
  /** Of the level as it is estimated, likewise. */
  readonly levelVariance: number
  /** Days seen, and what the prior adds. */
  readonly degrees: number
  /** Of hours in which anything is spent, 0..1. */
  readonly activeShare: number
}

/** What is believed of a day before any was seen, and for how many days that stands. */
const PRIOR = { variance: 0.36, days: 2 } as const
/** The newest day counts at most half, and at least as one of four weeks. */
const GAIN = { least: 1 / 28, most: 1 / 2 } as const
/** Of less than a day, nobody knows what the rest of it is like. */
const SHORT_VARIANCE = 1

/** A level that wanders, seen through the noise of single days (a local level model with its steady gain). */
export function levelOf(
  history: SpendHours,
  season: Season,
  basis: Basis,
  clock: LocalClock,
): Level {
  if (basis === 'rate' || basis === 'none') return rateOf(history)
  const days = dayRates(history, season, clock)
  const mean = days.reduce((sum, day) => sum + day, 0) / days.length
  if (mean === 0) return { ...rateOf(history), perHour: 0 }
  const relative = days.map((day) => day / mean)
  const drift = driftOf(relative)
  const noise = Math.max(stepVariance(relative, 1) - drift, 0) / 2
  const gain = gainOf(drift, noise)
  const last = filtered(days, gain)
  const degrees = days.length - 1 + PRIOR.days
  const dayVariance = (PRIOR.days * PRIOR.variance + (days.length - 1) * noise) / degrees
  return {
    perHour: last,
    dayVariance,
    driftVariance: drift,
    levelVariance: Math.max(gain, 1 / days.length) * dayVariance,
    degrees,
    activeShare: activeShare(history),
  }
}

function activeShare({ nano }: SpendHours): number {
  return nano.filter((hour) => hour > 0).length / Math.max(nano.length, 1)
}

function rateOf(history: SpendHours): Level {
  const { nano } = history
  const perHour = nano.reduce((sum, hour) => sum + hour, 0) / Math.max(nano.length, 1)
  const days = nano.length / DAY_HOURS
  return {
    perHour,
    dayVariance: PRIOR.variance,
    driftVariance: 0,
    levelVariance: SHORT_VARIANCE / (1 + days),
    degrees: PRIOR.days,
    activeShare: activeShare(history),
  }
}

/** nano-USD of a mean hour in each stretch of 24 hours that ends with the history; oldest first. */
function dayRates({ firstHourMs, nano }: SpendHours, season: Season, clock: LocalClock): number[] {
  const days: number[] = []
  for (let from = nano.length - DAY_HOURS; from >= 0; from -= DAY_HOURS) {
    let [spent, weight] = [0, 0]
    for (let at = from; at < from + DAY_HOURS; at += 1) {
      spent += nano[at] ?? 0
      weight += season[clock(firstHourMs + at * HOUR_MS)] ?? 1
    }
    // A day that is always free says nothing of the level.
    if (weight > LEAST_DAY_WEIGHT) days.push(spent / weight)
  }
  return days.toReversed()
}

const LEAST_DAY_WEIGHT = 0.5

/** Mean square of what lies between days that are `lag` apart. */
function stepVariance(days: readonly number[], lag: number): number {
  const steps = days.slice(lag).map((day, at) => (day - (days[at] ?? day)) ** 2)
  return steps.length === 0 ? 0 : steps.reduce((sum, step) => sum + step, 0) / steps.length
}

/** Noise is the same at any distance, a wandering level is further away the longer it wanders. */
function driftOf(days: readonly number[]): number {
  const lag = Math.min(7, Math.floor(days.length / 2))
  if (lag < 2) return 0
  return Math.max((stepVariance(days, lag) - stepVariance(days, 1)) / (lag - 1), 0)
}

function gainOf(drift: number, noise: number): number {
  if (noise === 0) return GAIN.most
  const ratio = drift / noise
  const steady = (Math.sqrt(ratio * ratio + 4 * ratio) - ratio) / 2
  return Math.min(Math.max(steady, GAIN.least), GAIN.most)
}

/** The first days count as their mean does, then each new one by the gain. */
function filtered(days: readonly number[], gain: number): number {
  let level = 0
  for (const [at, day] of days.entries()) level += (day - level) * Math.max(gain, 1 / (at + 1))
  return level
}
