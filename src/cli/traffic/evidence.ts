import type { CounterComparison } from '../../../jobs/compare-counters.ts'
import type { WindowState } from '../../admission/commands.ts'
import type { Outcome } from '../../admission/outbox.ts'
import type { Entry } from '../../ledger/queries/list-entries.ts'
import type { Nano } from '../../money/nano.ts'
import type { BilledCall } from './bill.ts'

export type BookedAttempt = Pick<
  Entry,
  'attempt' | 'status' | 'costNano' | 'holdNano' | 'overrunNano' | 'windows'
>

/** Everything that three parties say of a run once nothing moves: its driver, its books and its provider. */
export interface Evidence {
  /** job -> what its caller heard, null = nothing. */
  readonly heard: ReadonlyMap<string, Outcome | null>
  /** Jobs whose caller heard two different ends. */
  readonly contradicted: readonly string[]
  /** job -> its row in the ledger. */
  readonly ends: ReadonlyMap<string, Outcome>
  /** Jobs that wait in the queue for a later window. */
  readonly parked: ReadonlySet<string>
  /** Something still moved when everybody had been patient. */
  readonly restless: boolean
  /** Workers that ended though nobody asked them to. */
  readonly fallen: number
  /** One per attempt, from the ledger. */
  readonly entries: readonly BookedAttempt[]
  /** Postings that came twice with different content. */
  readonly conflicts: number
  readonly bill: readonly BilledCall[]
  /** Every budget window of the slot. */
  readonly windows: readonly WindowState[]
  /** Sum of the windows of a budget that is in every chain. */
  readonly spentNano: Nano
  /** null = no picture of one moment could be had. */
  readonly counters: CounterComparison | null
}

/** A way in which the parties do not agree. */
export interface Difference {
  /** Stable name. */
  readonly what: string
  /** How often. */
  readonly count: number
  /** The first few, for a person. */
  readonly examples: readonly string[]
}

const SHOWN = 5

/** @returns nothing when there is nothing to tell. */
export const difference = (what: string, cases: readonly string[]): Difference[] =>
  cases.length === 0 ? [] : [{ what, count: cases.length, examples: cases.slice(0, SHOWN) }]
