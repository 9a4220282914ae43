import { InvalidArgumentError } from 'commander'
import { KEY_ROLES, type KeyRole } from '../../access/roles.ts'
import { parseDuration } from '../../config/units.ts'

/** Parser of a time such as `90d`, `24h` or `30s`. @returns ms. */
export function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  throw new InvalidArgumentError('Write a time such as 90d, 24h or 30s.')
}

/** Parser of a time that may be nothing at all. @returns whole seconds. */
export const durationSeconds = (text: string): number =>
  text === '0' ? 0 : Math.ceil(duration(text) / 1_000)

/** Parser of what a key is for. */
export function role(text: string): KeyRole {
  const known = KEY_ROLES.find((one) => one === text)
  if (known) return known
  throw new InvalidArgumentError(`Give one of ${KEY_ROLES.join(', ')}.`)
}

/** Parser of names with commas between them. */
export function names(text: string): string[] {
  const found = text.split(',').map((name) => name.trim())
  if (found.every((name) => name !== '')) return [...new Set(found)]
  throw new InvalidArgumentError('Give one or more names, separated by commas.')
}
