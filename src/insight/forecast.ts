import type { Nano } from '../money/nano.ts'
import { type Level, levelOf } from './level.ts'
import { type LocalClock, localClock } from './local-clock.ts'
import { type Basis, basisOf, type Season, seasonOf } from './season.ts'
import { DAY_HOURS, HOUR_MS, hourOf, type SpendHours, WEEK_HOURS } from './spend-hours.ts'

/** Hours further back are not looked at: four weeks, as many as habits last, and as can be read at once. */
export const HISTORY_HOURS = 4 * WEEK_HOURS
/** A forecast ends here, where its window does not. */
const HORIZON_MS = 366 * DAY_HOURS * HOUR_MS
/** How often what comes lies within the interval. */
export const FORECAST_CONFIDENCE = 0.8
/** Points of the curve for a chart. */
const MOST_POINTS = 60

export interface ForecastQuestion {
  /** Hours that are over, of all who spend from the window; only the newest four weeks count. */
  readonly history: SpendHours
  readonly nowMs: number
  /** UTC ms; `endMs` may be as far as a budget for good. */
  readonly window: { readonly startMs: number; readonly endMs: number }
  /** What is spent of the window by now. */
  readonly spentNano: Nano
  /** null = nothing can run dry. */
  readonly limitNano: Nano | null
  /** IANA name, already validated: in which hours and weekdays people spend. */
  readonly timezone: string
}

/** How much there is at an instant, from the window's start on. */
export interface ForecastPoint {
  readonly atMs: number
  readonly expectedNano: Nano
  readonly lowNano: Nano
  readonly highNano: Nano
}

export interface Forecast extends Pick<ForecastPoint, 'expectedNano' | 'lowNano' | 'highNano'> {
  /** What it rests on; of `none` show no figures, they say nothing. */
  readonly basis: Basis
  /** Hours of history that it looked at. */
  readonly historyHours: number
  /** Of the interval from `lowNano` to `highNano`, 0..1. */
  readonly confidence: number
  /** What the figures are for: the window's end, or a year from now. */
  readonly untilMs: number
  /** The instant at which the limit is reached if all goes as expected; null = not before `untilMs`. */
  readonly runsDryAtMs: number | null
  /** At the high end of the interval: no sooner than this. null = not even then. */
  readonly runsDryEarliestMs: number | null
  /** From now to `untilMs`, at most 61, for a chart; the first is what is spent now. */
  readonly points: readonly ForecastPoint[]
}

/**
 * What a window will have cost at its end, with an interval that holds the truth eight times of ten, and when its money
 * is used up. Seasons of weekday and hour are learned from the history; with little of it the interval is wide, and
 * `basis` says so. Pure.
 */
export function forecast(question: ForecastQuestion): Forecast {
  const { nowMs, window, spentNano, limitNano, timezone } = question
  const history = newest(question.history)
  const untilMs = Math.max(nowMs, Math.min(window.endMs, nowMs + HORIZON_MS))
  const clock = localClock(timezone, Math.min(history.firstHourMs, nowMs), untilMs)
  const basis = basisOf(history)
  const season = seasonOf(history, basis, clock)
  const level = levelOf(history, season, basis, clock)
  const walk = walkOf({ level, season, clock, fromMs: nowMs, untilMs, spentNano })
  const end = walk.at(-1) ?? now(nowMs, spentNano)
  return {
    basis,
    historyHours: history.nano.length,
    confidence: FORECAST_CONFIDENCE,
    untilMs,
    expectedNano: end.expectedNano,
    lowNano: end.lowNano,
    highNano: end.highNano,
    runsDryAtMs: reached(walk, limitNano, 'expectedNano'),
    runsDryEarliestMs: reached(walk, limitNano, 'highNano'),
    points: thinned(walk),
  }
}

function newest({ firstHourMs, nano }: SpendHours): SpendHours {
  const left = Math.max(nano.length - HISTORY_HOURS, 0)
  return { firstHourMs: firstHourMs + left * HOUR_MS, nano: nano.slice(left) }
}

const now = (atMs: number, spentNano: Nano): ForecastPoint => ({
  ...{ atMs, expectedNano: spentNano, lowNano: spentNano, highNano: spentNano },
})

interface Walk {
  readonly level: Level
  readonly season: Season
  readonly clock: LocalClock
  readonly fromMs: number
  readonly untilMs: number
  readonly spentNano: Nano
}

/** One point at each full hour, and one at the end. */
function walkOf({ level, season, clock, fromMs, untilMs, spentNano }: Walk): ForecastPoint[] {
  const points = [now(fromMs, spentNano)]
  let weight = 0
  for (let atMs = fromMs; atMs < untilMs; ) {
    const nextMs = Math.min(hourOf(atMs) + HOUR_MS, untilMs)
    weight += ((season[clock(atMs)] ?? 1) * (nextMs - atMs)) / HOUR_MS
    const days = (nextMs - fromMs) / HOUR_MS / DAY_HOURS
    points.push({ atMs: nextMs, ...spread(level, weight, days, spentNano) })
    atMs = nextMs
  }
  return points
}

/** The interval is one of shares: never below what is spent, and as likely missed by half as by double. */
function spread(level: Level, weight: number, days: number, spentNano: Nano) {
  const mean = level.perHour * weight
  const noise = weight === 0 ? 0 : (level.dayVariance * DAY_HOURS) / weight
  const variance = noise + level.levelVariance + (level.driftVariance * days) / 3
  const share = Math.sqrt(Math.log(1 + variance))
  const wide = quantile(level.degrees) * share
  // Where hours of nothing are the rule, so may the next ones be.
  const quiet = (1 - level.activeShare) ** (days * DAY_HOURS) > QUIET
  return {
    expectedNano: spentNano + Math.round(mean),
    lowNano: spentNano + (quiet ? 0 : Math.round(mean * Math.exp(-wide - (share * share) / 2))),
    highNano: spentNano + Math.round(mean * Math.exp(wide)),
  }
}

const Z = 1.2816
/** What lies below the interval, as what lies above it. */
const QUIET = (1 - FORECAST_CONFIDENCE) / 2

/**
 * How many deviations nine of ten lie below, for a variance that is itself known from few days only.
 * @see Abramowitz and Stegun 26.7.5, Student's t by the normal's quantile.
 */
function quantile(degrees: number): number {
  const first = (Z ** 3 + Z) / 4
  const second = (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96
  return Z + first / degrees + second / degrees ** 2
}

/** The instant at which a curve meets the limit, between full hours in a straight line. */
function reached(
  walk: readonly ForecastPoint[],
  limitNano: Nano | null,
  curve: 'expectedNano' | 'highNano',
): number | null {
  if (limitNano === null) return null
  const at = walk.findIndex((point) => point[curve] >= limitNano)
  const [before, after] = [walk[at - 1], walk[at]]
  if (!after) return null
  if (!before) return after.atMs
  const share = (limitNano - before[curve]) / (after[curve] - before[curve])
  return Math.ceil(before.atMs + share * (after.atMs - before.atMs))
}

function thinned(walk: readonly ForecastPoint[]): ForecastPoint[] {
  const step = Math.ceil((walk.length - 1) / MOST_POINTS) || 1
  return walk.filter((_, at) => at % step === 0 || at === walk.length - 1)
}
