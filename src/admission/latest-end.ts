import { splitWindowKey } from './outbox.ts'
import { FOREVER_MS } from './plan-lines.ts'

const DAY_MS = 86_400_000
/** Local time is at most half a day behind UTC, and a clock change moves an end by less than the rest. */
const SLACK_MS = DAY_MS

const DAY = /^(\d{4})-(\d{2})-(\d{2})(T\d{2,4}b?)?$/
const WEEK = /^(\d{4})-W(\d{2})$/
const MONTH = /^(\d{4})-(\d{2})$/
const YEAR = /^\d{4}$/
const SPAN = /^\S+\.\.(\d{4}-\d{2}-\d{2})$/

/**
 * When a window has ended in every timezone, by its name alone: enough to know that nobody opens it again. A window is
 * over up to two days before.
 * @param key - `<budget>:<window>`.
 * @returns UTC ms; FOREVER_MS for a window without an end, and for a name that no version of ours gave.
 */
export function latestEndMs(key: string): number {
  const { window } = splitWindowKey(key)
  const last = SPAN.exec(window)?.[1] ?? window
  const endMs = nextMs(last)
  return endMs === null ? FOREVER_MS : endMs + SLACK_MS
}

/** The instant after a calendar window, in UTC. */
function nextMs(window: string): number | null {
  const day = DAY.exec(window)
  if (day) return Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3]) + 1)
  const week = WEEK.exec(window)
  // The 4th of January is always in the first week, so a week ends at most six days after this.
  if (week) return Date.UTC(Number(week[1]), 0, 4 + 7 * Number(week[2]))
  const month = MONTH.exec(window)
  if (month) return Date.UTC(Number(month[1]), Number(month[2]), 1)
  return YEAR.test(window) ? Date.UTC(Number(window) + 1, 0, 1) : null
}
