import { parseDuration } from '../config/units.ts'
import { BursarError } from '../errors.ts'

/** Reads `30s`, `5m`, `24h`. @returns ms. @throws {BursarError} INVALID_ARGUMENT naming the option. */
export function readTime(text: string, option: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return ms
  throw new BursarError(
    'INVALID_ARGUMENT',
    `${option}: '${text}' is no time: write 30s, 5m, 24h or 7d`,
    { detail: { option } },
  )
}
