import { InvalidArgumentError } from 'commander'

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/

/** Parser of an instant: a date is its midnight UTC, a time of day needs its offset. @returns UTC ms. */
export function instant(text: string): number {
  const atMs = TIME.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(atMs)) return atMs
  throw new InvalidArgumentError('Write 2026-11-01 (midnight UTC) or 2026-11-01T09:30Z.')
}
