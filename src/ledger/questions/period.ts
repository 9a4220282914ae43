import { Temporal } from 'temporal-polyfill'
import { z } from 'zod'
import { type CalendarWindow, windowAt } from '../../admission/windows.ts'
import { BursarError } from '../../errors.ts'
import type { Range } from './pieces.ts'

/** How time may be cut in a curve. */
export const GRAINS = ['hour', 'day', 'week', 'month'] as const
export type Grain = (typeof GRAINS)[number]
const UNITS = [...GRAINS, 'year'] as const
type Unit = (typeof UNITS)[number]

const NAMED = /^(this|last)-(hour|day|week|month|year)$/
const SEVERAL = /^last-([1-9]\d{0,2})-(hour|day|week|month)s$/
const SHORT: Readonly<Record<string, string>> = { today: 'this-day', yesterday: 'last-day' }
const MOST_BUCKETS = 1_000

/**
 * A stretch of time as people say it: `today`, `this-month`, `last-week`, `last-7-days` (with today), or from and to.
 * Dates begin at midnight in the timezone; weeks on Monday.
 */
export const PeriodSchema = z.strictObject({
  period: z.string().max(40).exactOptional(),
  /** A date, or an instant with its offset. */
  from: z.string().max(40).exactOptional(),
  /** The first that no longer counts; absent = until now. */
  to: z.string().max(40).exactOptional(),
  /** IANA name; absent = UTC. */
  timezone: z.string().max(60).exactOptional(),
})
export type PeriodQuestion = Readonly<z.infer<typeof PeriodSchema>>

export interface ResolvedPeriod {
  /** As it was asked for. */
  readonly name: string
  readonly timezone: string
  /** Of a period that is not over, its end is still to come. */
  readonly range: Range
  /** The one before; of one that is not over, as much of it as has passed. */
  readonly before: Range
}

/** @throws {BursarError} INVALID_ARGUMENT saying what to write instead. */
export function resolvePeriod(asked: PeriodQuestion, nowMs: number): ResolvedPeriod {
  const { period, from, to, timezone = 'UTC' } = asked
  assertZone(timezone)
  if (period !== undefined && (from !== undefined || to !== undefined)) {
    throw invalid('a period and from or to exclude each other: give one of them', { period })
  }
  if (from !== undefined || to !== undefined) return between(from, to, timezone, nowMs)
  const name = period ?? 'this-month'
  const ranges = named(SHORT[name] ?? name, timezone, nowMs)
  if (ranges) return { name, timezone, ...ranges }
  throw invalid(
    `there is no period ${name}: write today, yesterday, this-month, last-week, last-7-days or the like, or from and to`,
    { period: name },
  )
}

function between(from: string | undefined, to: string | undefined, zone: string, nowMs: number) {
  if (from === undefined) throw invalid('to needs a from: say where the period begins', { to })
  const fromMs = instantOf(from, zone)
  const toMs = to === undefined ? nowMs : instantOf(to, zone)
  if (fromMs >= toMs) throw invalid('from is not before to: give an earlier from', { from, to })
  const name = `${from}..${to ?? 'now'}`
  const before = { fromMs: fromMs - (toMs - fromMs), toMs: fromMs }
  return { name, timezone: zone, range: { fromMs, toMs }, before }
}

type Ranges = Pick<ResolvedPeriod, 'range' | 'before'>

function named(name: string, zone: string, nowMs: number): Ranges | null {
  const [, which, unit] = NAMED.exec(name) ?? []
  if (which !== undefined && isUnit(unit)) return around(which, unit, zone, nowMs)
  const [, count, units] = SEVERAL.exec(name) ?? []
  return isUnit(units) ? several(Number(count), units, zone, nowMs) : null
}

function around(which: string, unit: Unit, zone: string, nowMs: number): Ranges {
  const now = windowOf(unit, zone, nowMs)
  const last = windowOf(unit, zone, now.startMs - 1)
  if (which === 'last') return { range: rangeOf(last), before: rangeOf(back(unit, zone, last)) }
  return { range: rangeOf(now), before: passed(rangeOf(last), nowMs - now.startMs) }
}

function several(count: number, unit: Unit, zone: string, nowMs: number): Ranges {
  const now = windowOf(unit, zone, nowMs)
  const first = repeat(count - 1, now, (window) => back(unit, zone, window))
  const former = repeat(count, first, (window) => back(unit, zone, window))
  return {
    range: { fromMs: first.startMs, toMs: now.endMs },
    before: passed({ fromMs: former.startMs, toMs: first.startMs }, nowMs - first.startMs),
  }
}

const repeat = <T>(times: number, start: T, step: (one: T) => T): T =>
  Array.from({ length: times }).reduce<T>((one) => step(one), start)

/** As much of a range as has passed of another. */
const passed = ({ fromMs, toMs }: Range, forMs: number): Range => ({
  fromMs,
  toMs: Math.min(toMs, fromMs + forMs),
})

const isUnit = (name: string | undefined): name is Unit => UNITS.some((unit) => unit === name)
const windowOf = (unit: Unit, zone: string, atMs: number) => windowAt({ per: unit }, zone, atMs)
const back = (unit: Unit, zone: string, { startMs }: CalendarWindow) =>
  windowOf(unit, zone, startMs - 1)
const rangeOf = ({ startMs, endMs }: CalendarWindow): Range => ({ fromMs: startMs, toMs: endMs })

/**
 * The hours, days, weeks or months of a range in a timezone, the first and the last cut where it begins and ends.
 * @throws {BursarError} INVALID_ARGUMENT above 1,000 of them.
 */
export function bucketsOf({ fromMs, toMs }: Range, grain: Grain, zone: string): Range[] {
  const buckets: Range[] = []
  for (let atMs = fromMs; atMs < toMs; ) {
    if (buckets.length >= MOST_BUCKETS) {
      throw invalid(`that is more than ${MOST_BUCKETS} ${grain}s: ask for a shorter period`, {})
    }
    const endMs = Math.min(windowOf(grain, zone, atMs).endMs, toMs)
    buckets.push({ fromMs: atMs, toMs: endMs })
    atMs = endMs
  }
  return buckets
}

function instantOf(text: string, zone: string): number {
  try {
    return /^\d{4}-\d\d-\d\d$/.test(text)
      ? Temporal.PlainDate.from(text).toZonedDateTime(zone).epochMilliseconds
      : Temporal.Instant.from(text).epochMilliseconds
  } catch (error) {
    const message = `${text} is no instant: write 2026-11-01 or 2026-11-01T09:30Z`
    throw new BursarError('INVALID_ARGUMENT', message, { cause: error, detail: { text } })
  }
}

function assertZone(timezone: string): void {
  try {
    if (/^[A-Za-z]/.test(timezone) && windowAt({ per: 'hour' }, timezone, 0)) return
  } catch {
    // Said below.
  }
  throw invalid(`there is no timezone ${timezone}: write a name such as Europe/Berlin or UTC`, {
    timezone,
  })
}

const invalid = (message: string, detail: Readonly<Record<string, unknown>>): BursarError =>
  new BursarError('INVALID_ARGUMENT', message, { detail })
