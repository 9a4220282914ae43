import type { Nano } from '../money/nano.ts'
import type { Unavailable } from './commands.ts'

/** Counters to be made again from one picture of the ledger. (PROTOCOL 3.9) */
export interface RebuildCommand {
  /** The ledger's epoch, and how far it had read the outbox when it was asked. */
  readonly epoch: number
  readonly watermark: string
  /** What the ledger has for each window up to there, nano-USD; 0 for a window without a posting. */
  readonly sums: readonly { readonly key: string; readonly spentNano: Nano }[]
  /** False = only look: nothing is changed. */
  readonly apply: boolean
}

/** What a counter says, nano-USD. */
export interface Counted {
  readonly spentNano: Nano
  readonly heldNano: Nano
}
export interface RebuiltWindow {
  /** `<budget>:<window>` */
  readonly key: string
  readonly before: Counted
  /** What the ledger, the outbox after it and the live holds add up to. */
  readonly after: Counted
}
export type RebuildReply =
  /** Those that exist, in the order asked: a counter is created by admission alone. */
  | { readonly outcome: 'rebuilt'; readonly windows: readonly RebuiltWindow[] }
  /** The outbox was trimmed past the watermark: take another picture of the ledger. */
  | { readonly outcome: 'retry' }
  | Unavailable
