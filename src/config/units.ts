import type { Period } from './periods.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Fixed length of a period, ms, for rate limits: a month is 30 days, a year 365. */
export const PERIOD_MS: Readonly<Record<Period, number>> = {
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
  year: 365 * DAY_MS,
}

const DURATION_UNITS = new Map([
  ['ms', 1],
  ['s', SECOND_MS],
  ['m', MINUTE_MS],
  ['h', HOUR_MS],
  ['d', DAY_MS],
])
const SIZE_UNITS = new Map([
  ['B', 1],
  ['KiB', 1_024],
  ['MiB', 1_048_576],
  ['GiB', 1_073_741_824],
])

/** Reads `500ms`, `90s`, `5m`, `1h` or `7d`. @returns ms, or undefined for anything else. */
export const parseDuration = (text: string): number | undefined => parseUnit(text, DURATION_UNITS)

/** Reads `512B`, `2KiB`, `1MiB` or `1GiB`. @returns bytes, or undefined for anything else. */
export const parseSize = (text: string): number | undefined => parseUnit(text, SIZE_UNITS)

function parseUnit(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,12})([A-Za-z]+)$/.exec(text) ?? []
  const factor = units.get(unit)
  if (digits === undefined || factor === undefined) return undefined
  const value = Number(digits) * factor
  return Number.isSafeInteger(value) ? value : undefined
}
