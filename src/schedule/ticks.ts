import { Cron } from 'croner'
import type { TickedJob } from './types.ts'

type Schedule = Pick<TickedJob<never>, 'schedule' | 'timezone' | 'missed'>

/** The tick to run next, and how many before it are not run any more. */
export interface Due {
  readonly tickMs: number
  readonly missed: number
}

/** Beyond it nobody counts: a job of every second that was away for a day. */
const MOST_MISSED = 10_000
/** Of a job that leaves out what it missed: later than this is missed. */
const LATE_MS = 60_000

const patterns = new Map<string, Cron>()

/** Reads an expression once; the same one is read in many turns. @throws {TypeError} when it is none. */
function cronOf({ schedule, timezone = 'UTC' }: Omit<Schedule, 'missed'>): Cron {
  const key = `${timezone} ${schedule}`
  const known = patterns.get(key)
  if (known) return known
  // Paused and without a function: it only computes.
  const cron = new Cron(schedule, { timezone, paused: true })
  patterns.set(key, cron)
  return cron
}

/** @returns the first tick after an instant, UTC ms; Infinity = there is none. */
export const tickAfter = (job: Omit<Schedule, 'missed'>, atMs: number): number =>
  cronOf(job).nextRun(new Date(atMs))?.getTime() ?? Number.POSITIVE_INFINITY

/**
 * What is due, by the schedule alone.
 * @param lastMs - the newest tick that was run or left out.
 * @returns null when the next tick is still to come.
 */
export function dueTick(job: Schedule, lastMs: number, nowMs: number): Due | null {
  const next = tickAfter(job, lastMs)
  if (next > nowMs) return null
  if (job.missed === 'each') return { tickMs: next, missed: 0 }
  let tickMs = next
  let missed = 0
  for (; missed < MOST_MISSED; missed++) {
    const later = tickAfter(job, tickMs)
    if (later > nowMs) break
    tickMs = later
  }
  if (missed === MOST_MISSED) tickMs = newestTick(job, nowMs) ?? tickMs
  return { tickMs, missed }
}

/** Whether a job that leaves out what it missed leaves this one out. */
export const isTooLate = ({ missed }: Schedule, tickMs: number, nowMs: number): boolean =>
  missed === 'skip' && nowMs - tickMs > LATE_MS

/** A tick at this very instant has come. */
const newestTick = (job: Schedule, nowMs: number): number | undefined =>
  cronOf(job)
    .previousRuns(2, new Date(nowMs + 1_000))
    .find((at) => at.getTime() <= nowMs)
    ?.getTime()
