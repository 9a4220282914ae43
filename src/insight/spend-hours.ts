import type { Nano } from '../money/nano.ts'

export const HOUR_MS = 3_600_000
export const DAY_HOURS = 24
export const WEEK_HOURS = 168

/** What was spent in whole UTC hours, one after the other without a gap; an hour of nothing is 0. */
export interface SpendHours {
  /** When the first of them began, UTC ms. */
  readonly firstHourMs: number
  /** nano-USD, oldest first. */
  readonly nano: readonly Nano[]
}

/** The hour that holds an instant. @returns when it began, UTC ms. */
export const hourOf = (atMs: number): number => Math.floor(atMs / HOUR_MS) * HOUR_MS

/**
 * Puts what was spent into hours, from the first of them until `untilMs`, those of nothing between them too.
 * @param rows - in any order, an hour more than once adds up; those at and after `untilMs` are left out.
 * @param untilMs - UTC ms; the hour that holds it is left out, since it is not over.
 */
export function spendHours(
  rows: readonly { readonly hourMs: number; readonly costNano: Nano }[],
  untilMs: number,
): SpendHours {
  const endMs = hourOf(untilMs)
  const past = rows.filter(({ hourMs }) => hourMs < endMs)
  const firstHourMs = past.reduce((first, { hourMs }) => Math.min(first, hourOf(hourMs)), endMs)
  const nano = new Array<Nano>((endMs - firstHourMs) / HOUR_MS).fill(0)
  for (const { hourMs, costNano } of past) {
    const at = (hourOf(hourMs) - firstHourMs) / HOUR_MS
    nano[at] = (nano[at] ?? 0) + costNano
  }
  return { firstHourMs, nano }
}
