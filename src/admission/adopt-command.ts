import type { Nano } from '../money/nano.ts'
import type { Unavailable } from './commands.ts'

/** What the ledger says of an attempt. */
export interface LedgerWord {
  /** S settled, U unconfirmed, R released. */
  readonly state: 'S' | 'U' | 'R'
  readonly bookedNano: Nano
  /** Of its newest posting. */
  readonly epoch: number
  readonly rev: number
}

/** Makes the record of an attempt again that the slot has lost. (PROTOCOL 3.10) */
export interface AdoptCommand {
  readonly attempt: string
  readonly job: string
  /** Asked before anything else; null = it has nothing of this attempt. */
  readonly ledger: LedgerWord | null
  /** What its owner knows: `held` = it was sent, or may have been. */
  readonly as: 'held' | 'settled' | 'unconfirmed'
  /** Ignored unless `settled`. */
  readonly costNano: Nano
  /** How long it is held unless somebody renews it; ignored unless `held`. */
  readonly ttlMs: number
  readonly rung: number
  readonly holdNano: Nano
  readonly capTokens: number
  readonly n: number
  readonly atMs: number
  /** Keys `<budget>:<window>`. */
  readonly windows: readonly string[]
  /** AttemptMeta and SettleDetail as JSON. */
  readonly meta: string
  readonly detail: string
}

export type AdoptReply =
  /** The slot has a record of it: nothing was changed. */
  | { readonly outcome: 'known' }
  | {
      readonly outcome: 'adopted'
      readonly state: 'H' | 'S' | 'U'
      readonly bookedNano: Nano
      /** What of it stands above its hold, or above a limit. */
      readonly overrunNano: Nano
    }
  | Unavailable
