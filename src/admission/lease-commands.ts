import type { Nano } from '../money/nano.ts'
import type { SettleCommand, Unavailable } from './commands.ts'
import type { WindowLine } from './plan-lines.ts'

/** Takes an allowance: one big hold in advance, for calls that the slot cannot be asked about. (PROTOCOL 3.11) */
export interface LeaseCommand {
  /** Drawn at random; it names a hold as an attempt id does, and is renewed, expires and is settled as one. */
  readonly lease: string
  /** Whose it is, for people; not ''. */
  readonly process: string
  /** Version of the policy that the windows are of. */
  readonly policy: number
  readonly windows: readonly WindowLine[]
  readonly amountNano: Nano
  readonly ttlMs: number
}
export type LeaseReply =
  /** `amountNano`: what it holds now. Spend nothing of it before the ledger has its row. */
  | { readonly outcome: 'held'; readonly amountNano: Nano; readonly atMs: number }
  /** `window`: the first that has too little left. */
  | { readonly outcome: 'over-budget'; readonly window: number; readonly leftNano: readonly Nano[] }
  /** It has ended: take another. */
  | { readonly outcome: 'void' }
  | { readonly outcome: 'stale'; readonly nowMs: number; readonly policy: number }
  | Unavailable

/** Books a call that was made from an allowance. By whoever holds its journal, any number of times. */
export interface BookLeaseCommand
  extends Omit<SettleCommand, 'tokens' | 'outputTokens' | 'cache' | 'flight' | 'gate'> {
  readonly lease: string
}
export type BookLeaseReply =
  | {
      /** `orphan`: the allowance has ended, and what it held was given to others. */
      readonly outcome: 'booked' | 'adjusted' | 'unchanged' | 'orphan'
      readonly bookedNano: Nano
      readonly overrunNano: Nano
      readonly concluded: boolean
    }
  | { readonly outcome: 'too-old' }
  | Unavailable

/** Gives the rest of an allowance back. Only by whoever holds its journal, after every call in it was booked. */
export interface CloseLeaseCommand {
  readonly lease: string
  /** Every attempt that its journal knows. */
  readonly attempts: readonly string[]
}
export type CloseLeaseReply =
  | { readonly outcome: 'closed'; readonly releasedNano: Nano }
  /** So many of the attempts were never booked: it stays as it is. */
  | { readonly outcome: 'unreplayed'; readonly missing: number }
  | Unavailable
