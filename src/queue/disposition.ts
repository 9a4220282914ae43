import type { Outcome } from '../admission/outbox.ts'
import type { ErrorCode } from '../errors.ts'
import type { Nano } from '../money/nano.ts'

/** Why a job waits. */
export type ParkedBy = 'budget' | 'gate' | 'limit' | 'flight' | 'slot'

/** What a parked job waits for, told to people. */
export interface ParkedFor {
  /** A window, a limit or a gate by its key; '' = the slot itself, or an identical call. */
  readonly what: string
  /** What its first rung would hold, nano-USD: the most it can cost. */
  readonly holdNano: Nano
  /** What its last rung needs at least, nano-USD. */
  readonly leastNano: Nano
}

/** What becomes of a job after one take. Whoever runs `processRequest` carries it out. */
export type Disposition =
  /** The request has ended and the caller knows. */
  | {
      readonly do: 'finish'
      readonly as: Outcome
      /** It was served an answer whose time was over; absent = false. */
      readonly isStale?: boolean
    }
  /** The request has ended as failed and the caller knows. */
  | { readonly do: 'fail'; readonly code: ErrorCode; readonly message: string }
  /** Come back later, no attempt used; ms from now. */
  | {
      readonly do: 'park'
      readonly delayMs: number
      readonly by: ParkedBy
      /** Absent = nothing was planned. */
      readonly for?: ParkedFor
      /** The attempt of another job whose answer it waits for; absent = it waits for no answer. */
      readonly behind?: string
    }
  /** It came long after its turn: it waits for another one, no attempt used. */
  | { readonly do: 'wait-turn'; readonly priority: number }
  /** The call failed in a way that another one may mend; ms from now. */
  | { readonly do: 'retry'; readonly delayMs: number; readonly why: string }
  /** This process ends: somebody else's turn. */
  | { readonly do: 'give-back' }

/** Why a take was cut short. */
export const ABORTS = ['cancelled', 'hold-lost', 'lock-lost', 'drain'] as const
export type Abort = (typeof ABORTS)[number]

/** @returns null while nothing was aborted. */
export const abortOf = (signal: AbortSignal): Abort | null =>
  signal.aborted ? (ABORTS.find((reason) => reason === signal.reason) ?? 'drain') : null
