import type { Missed } from '../ledger/tables/schedule.ts'

/** What a run has to show, for the log and the history: JSON. */
export type Figures = Readonly<Record<string, unknown>>

/** One run of a job. */
export interface Tick {
  /** The nominal time, never the wall clock, UTC ms; of what a person asked for, when that was. */
  readonly atMs: number
  /** How many ticks before this one it stands for. */
  readonly missed: number
  /** Aborted when the time limit is reached, the lease was lost or the process ends: stop at the next safe point. */
  readonly signal: AbortSignal
}

/**
 * Work whose ticks run once among all processes that have it. Once means: to its end once. A process that dies leaves a
 * run half done, and another one begins it again: it must bear that.
 */
export interface TickedJob<Parts> {
  /** kebab-case. */
  readonly name: string
  /** One line for people. */
  readonly about: string
  /** Cron expression; six fields begin with seconds. */
  readonly schedule: string
  /** IANA name in which the expression is read; absent = UTC. */
  readonly timezone?: string
  readonly missed: Missed
  /** Longest run, ms; then it is aborted, and recorded so. */
  readonly limitMs: number
  /** How often a tick is begun before it counts as failed; absent = 3. */
  readonly tries?: number
  /** @returns figures; absent or empty = there was nothing to do. */
  run(parts: Parts, tick: Tick): Promise<Figures | undefined>
}
