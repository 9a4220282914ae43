import type { Environment } from '../../config/options.ts'
import type { Report } from '../../ledger/queries/report.ts'
import type { Output } from '../output.ts'
import type { Difference } from '../traffic/evidence.ts'
import type { Summary } from '../traffic/judge.ts'
import type { TraceFormat } from './trace-types.ts'

/** Virtual seconds per second, or as fast as the workers can. */
export type Speed = number | 'max'

export interface ReplayOptions {
  readonly file: string
  readonly format: TraceFormat
  readonly speed: Speed
  /** Requests to hand in at most. */
  readonly limit: number
  /** Path of the policy; null = the one of the environment. */
  readonly policy: string | null
  /** Worker processes; null = as many as suit the place. */
  readonly workers: number | null
  /** Fixes who asks what, and the sandbox's answers and faults. */
  readonly seed: number
  /** Of the sandbox, e.g. `429:0.05,cut:0.01`; '' = none. */
  readonly faults: string
  /** Seconds between two kills of a worker; null = none. */
  readonly killEveryS: number | null
  /** Leaves keys, database and folder behind. */
  readonly keep: boolean
}

export interface Surroundings {
  readonly env: Environment
  readonly output: Output
  /** Aborting ends the replay, unjudged. */
  readonly signal: AbortSignal
}

export interface ReplayResult {
  readonly summary: Summary
  /** Empty = counters, ledger and bill agree. */
  readonly differences: readonly Difference[]
  /** By tier and by model. */
  readonly reports: readonly Report[]
  /** Workers killed on purpose. */
  readonly killed: number
  /** Entries whose provider billed above the hold when nobody lived to see it: settled from the bill. */
  readonly corrected: number
}
