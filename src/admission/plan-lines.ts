import type { Nano } from '../money/nano.ts'

/** What a plan puts before the slot: windows, rungs, chains, limits and turns. */

/** End of what has none: a year that every tool can write. */
export const FOREVER_MS = Date.UTC(9999, 11, 31)

/** One budget window of the chain. */
export interface WindowLine {
  /** `<budget>:<window>`, e.g. `company:2026-11`. */
  readonly key: string
  readonly startMs: number
  /** FOREVER_MS = it never rolls. */
  readonly endMs: number
  readonly limitNano: Nano
  /** Percents at which a threshold event is raised, ascending. */
  readonly marks: readonly number[]
  /** Held, counted and marked like any other, and blocks nothing; absent = false. */
  readonly warnOnly?: boolean
}

export interface RungOffer {
  /** `<provider>:<model>`; a 429 closes it for all workers. */
  readonly gate: string
  /** Cost of n output tokens is at most fixedNano + ceil(n * outputPico / 1000). */
  readonly fixedNano: Nano
  readonly outputPico: number
  /** The output cap that is wanted, and the least that is worth serving, tokens. Only a rung without `until` is shortened. */
  readonly capTokens: number
  readonly floorTokens: number
  /** Percent of every budget, the request included; null = up to the limit. */
  readonly until: number | null
  readonly inputTokens: number
  /** Which of the plan's chains pays for it; absent = every window and limit of the plan. */
  readonly chain?: number
}

/** The windows and limits that govern a rung, where they differ from rung to rung; positions in the plan, ascending. */
export interface Chain {
  readonly windows: readonly number[]
  readonly limits: readonly number[]
}

/**
 * What an admission takes from a limit: the tokens that it holds, those of its input or of its output cap alone, or one
 * call. Intake always takes one.
 */
export type LimitUnit = 'tokens' | 'calls' | 'input' | 'output'

interface RateLine {
  readonly key: string
  readonly limit: number
  readonly perMs: number
  /** Absent = tokens. */
  readonly unit?: LimitUnit
  /** false = an answer from the cache takes nothing at intake, and is not refused. Absent = it counts. */
  readonly countCached?: false
}

/** A limit with its subject resolved; `key` names its state. */
export type LimitLine =
  | (RateLine & { readonly kind: 'sliding-window' })
  | (RateLine & { readonly kind: 'fixed-window' })
  | (RateLine & { readonly kind: 'token-bucket'; readonly burst: number })
  | { readonly kind: 'concurrent'; readonly key: string; readonly limit: number }

export interface LimitState {
  readonly key: string
  readonly remaining: number
  /** When it is whole again, or when the refused amount fits; ms. */
  readonly resetAtMs: number
}

/** Who asks for a turn in a queue, and what it is worth. */
export interface TurnAsk {
  readonly queue: string
  /** Who shares the queue with others: `<tier>/<tenant>`. */
  readonly flow: string
  /** What the job may cost, about; counted against the mean of its queue. */
  readonly costNano: Nano
  /** Share beside other flows, 1 to 1000. */
  readonly weight: number
}

/** The turn by which a job was taken. */
export interface TurnTaken extends TurnAsk {
  readonly priority: number
  /** True when it was taken before: it may come long after its turn. */
  readonly again: boolean
}
