import type { Unreadable } from '../cache/codec/header.ts'
import type { Nano } from '../money/nano.ts'
import type { Outcome } from './outbox.ts'
import type {
  Chain,
  LimitLine,
  LimitState,
  RungOffer,
  TurnAsk,
  TurnTaken,
  WindowLine,
} from './plan-lines.ts'

/**
 * The commands of the slot and their replies: one closed union each. `model.ts` decides them in plain TypeScript,
 * the Lua scripts decide the same on Redis, and one conformance suite compares the two command by command.
 */

/** What an asker can make use of; absent = of answers that are not encrypted. */
export interface CacheLookup {
  /** Ids of the keys that it can open answers with. */
  readonly openers?: readonly string[]
  /** Checksum of the answer that it has at hand: while that is the one that is kept, no body travels. */
  readonly has?: string
}

/** What a reply says of a kept answer. */
export interface KeptReply {
  /** As `Keeper.keepAnswer` made it; null = the asker has it. */
  readonly body: string | null
  /** 0 or less = it is stale. */
  readonly freshForMs: number
  /** The asker is the one who has it made anew. */
  readonly refresh: boolean
  /** What it had cost at list price, and the attempt that paid; 0 and '' = nobody knows. */
  readonly costNano: Nano
  readonly paidBy: string
}

export interface IntakeCommand {
  readonly job: string
  /** Request limits: each counts 1. */
  readonly limits: readonly LimitLine[]
  /** Exact-cache key to look up, null = do not read the cache. */
  readonly cacheKey: string | null
  readonly look?: CacheLookup | undefined
  /** RequestMeta as JSON, for the row of a request that ends here. */
  readonly meta: string
  /** A body too large for the queue, kept beside it until the request ends. */
  readonly body: { readonly text: string; readonly ttlMs: number } | null
  /** Absent = the job goes to no queue that is shared. */
  readonly turn?: TurnAsk | undefined
  /** Keys of the windows that are told of with a kept answer; absent = none. */
  readonly windows?: readonly string[]
}

/** How a window stands, told to whoever holds nothing in it. */
export interface WindowLeft {
  /** In force: the policy's, and what is granted on top. */
  readonly limitNano: Nano
  /** Negative after the limit was lowered. */
  readonly leftNano: Nano
}

export type IntakeReply =
  | {
      readonly outcome: 'queued'
      /** The job's turn: its priority in the queue, 2 to 2^21 - 1; 0 = it asked for none. */
      readonly priority: number
      /** When it was counted, by the slot's clock; 0 = before, by another command with this job id. */
      readonly countedAtMs: number
      readonly limits: readonly LimitState[]
    }
  | ({
      readonly outcome: 'cached'
      readonly limits: readonly LimitState[]
      /** Those that were asked for, in that order; null = nobody has held against it. */
      readonly windows: readonly (WindowLeft | null)[]
    } & KeptReply)
  /** The same job id already ended: its stored result, null when that is no longer kept. */
  | { readonly outcome: 'concluded'; readonly as: Outcome; readonly result: string | null }
  | { readonly outcome: 'refused'; readonly limit: number; readonly limits: readonly LimitState[] }
  | Unavailable

/** A request of an application that is no job: it takes one of each limit, or of none. */
export interface TakeLimitsCommand {
  readonly limits: readonly Exclude<LimitLine, { kind: 'concurrent' }>[]
}
export type TakeLimitsReply =
  | { readonly outcome: 'taken'; readonly limits: readonly LimitState[] }
  /** `limit`: the first that is full; of full ones the time is when one fits. */
  | { readonly outcome: 'refused'; readonly limit: number; readonly limits: readonly LimitState[] }
  | Unavailable

export interface AdmitCommand {
  readonly attempt: string
  readonly job: string
  /** Version of the policy the plan was made from. */
  readonly policy: number
  readonly windows: readonly WindowLine[]
  readonly rungs: readonly RungOffer[]
  /** Token limits take the rung's input + cap; limits of calls and concurrent ones take 1. */
  readonly limits: readonly LimitLine[]
  /** Absent = none: every window and limit governs every rung. */
  readonly chains?: readonly Chain[]
  readonly cacheKey: string | null
  readonly look?: Pick<CacheLookup, 'openers'>
  /** Which kept answer will do; absent = `stale`: also one that is being made anew. */
  readonly accepts?: 'stale' | 'fresh' | 'nothing'
  /** false = it waits for no other call, and nobody waits for its own, whose answer is not kept. Absent = true. */
  readonly joins?: boolean
  /** Takes of this job that may hold, >= 1. */
  readonly maxTakes: number
  readonly ttlMs: number
  /** AttemptMeta as JSON; kept on the hold. */
  readonly meta: string
  /** Absent = it came from no queue that is shared. */
  readonly turn?: TurnTaken
}
/** Why a rung did not serve. */
export interface Passed {
  readonly by: 'budget' | 'gate' | 'limit'
  /** Of the plan: the window that has the least room, the limit that is full, or the rung whose gate is closed. */
  readonly index: number
}
export type AdmitReply =
  | {
      readonly outcome: 'held'
      readonly rung: number
      readonly holdNano: Nano
      readonly capTokens: number
      /** Which take of the job this is, from 1. */
      readonly n: number
      readonly atMs: number
      /** Last outbox id known to be in the ledger. */
      readonly acked: string
      /** One for each rung above; empty when the hold was taken before, and this is told once more. */
      readonly passed: readonly Passed[]
      /** Why the answer that is kept was of no use; absent = none is kept. */
      readonly unreadable?: Unreadable
    }
  | { readonly outcome: 'concluded'; readonly as: Outcome }
  /** `joined`: the attempt that the job waited for and that paid, '' = it waited for none. */
  | ({ readonly outcome: 'cached'; readonly joined: string } & KeptReply)
  /** This attempt, of another job, is asking the same: its answer is worth waiting for, until then at most. */
  | { readonly outcome: 'joined'; readonly untilMs: number; readonly attempt: string }
  | { readonly outcome: 'cancelled' }
  /** It comes back long after its turn: it waits again, with this priority. A replay hands out another turn. */
  | { readonly outcome: 'late'; readonly priority: number }
  | { readonly outcome: 'takes-exhausted'; readonly n: number }
  | {
      readonly outcome: 'over-budget'
      /** Index of the first window that blocked the last rung. */
      readonly window: number
      /** Its limit in force: what was granted on top included. */
      readonly limitNano: Nano
      /** What is left in each window of the plan, nano-USD; may be negative after a limit was lowered. */
      readonly leftNano: readonly Nano[]
      /** When the last of the blocking windows rolls; 0 = it never does, or no window of this size ever fits it. */
      readonly resumeAtMs: number
    }
  | {
      readonly outcome: 'busy'
      readonly by: 'gate' | 'limit'
      readonly index: number
      readonly resumeAtMs: number
      /** Of a limit: what it still holds, too little for this request, and when it is whole again. */
      readonly remaining?: number
      readonly resetAtMs?: number
    }
  /** The attempt already ended: never send. */
  | { readonly outcome: 'void' }
  /** The plan is of another time or an older policy: plan again. */
  | { readonly outcome: 'stale'; readonly nowMs: number; readonly policy: number }
  | Unavailable

export interface ReleaseCommand {
  readonly attempt: string
  readonly job: string
  /** Cache key of its admission: whoever waits for its answer is told. */
  readonly flight?: string | null
}
export type ReleaseReply =
  | { readonly outcome: 'released' | 'kept'; readonly followers: readonly string[] }
  | Unavailable

/** Ends a request: stores the result, publishes it to the caller and writes the request's row. First one wins. */
export interface Conclusion {
  readonly outcome: Outcome
  readonly reason: string
  /** Result body for the caller (JSON). */
  readonly result: string
  /** Client id whose reply channel is told; '' = nobody. */
  readonly replyTo: string
  readonly resultTtlMs: number
  /** True when intake kept the body beside the queue: it is dropped now. */
  readonly hasBody?: boolean
}

export interface SettleCommand {
  readonly attempt: string
  readonly job: string
  readonly kind: 'settled' | 'unconfirmed'
  /** Actual cost; ignored for `unconfirmed`, which books the whole hold. */
  readonly costNano: Nano
  /** Of the `held` reply; older than 72 h is `too-old`. */
  readonly atMs: number
  readonly holdNano: Nano
  /** Window keys, for an orphan whose record is gone. */
  readonly windows: readonly string[]
  /** Tokens used, to correct the token limits; null = unknown, what was taken stays taken. */
  readonly tokens: number | null
  /** Of them output; absent or null = unknown. */
  readonly outputTokens?: number | null
  /** AttemptMeta and SettleDetail as JSON. */
  readonly meta: string
  readonly detail: string
  readonly conclusion: Conclusion | null
  readonly cache: {
    readonly key: string
    /** As `Keeper.keepAnswer` made it. */
    readonly body: string
    readonly ttlMs: number
    /** After that: how long it is served while it is made anew, and to whom no budget pays for. Absent = 0. */
    readonly staleForMs?: number
    readonly lastForMs?: number
    /** What it cost at list price. */
    readonly costNano?: Nano
  } | null
  /** Cache key of its admission: whoever waits for its answer is told. */
  readonly flight?: string | null
  readonly gate: { readonly key: string; readonly untilMs: number } | null
}
export type SettleReply =
  | {
      readonly outcome: 'settled' | 'adjusted' | 'unchanged' | 'orphan'
      readonly bookedNano: Nano
      readonly overrunNano: Nano
      /** False when the request had ended before (a zombie's result changes no answer). */
      readonly concluded: boolean
      /** Jobs that waited for this answer, to be woken; told once: whom nobody wakes, wakes by itself. */
      readonly followers: readonly string[]
    }
  | { readonly outcome: 'too-old' }
  | Unavailable

export interface RenewCommand {
  readonly attempts: readonly string[]
  readonly ttlMs: number
}
/** Attempts that are no longer held: their workers must stop believing in them. */
export type RenewReply =
  | { readonly outcome: 'renewed'; readonly lost: readonly string[] }
  | Unavailable

export interface ExpiredHold {
  readonly attempt: string
  readonly job: string
  readonly holdNano: Nano
}
export type ExpireReply =
  | { readonly outcome: 'expired'; readonly holds: readonly ExpiredHold[]; readonly more: boolean }
  | Unavailable

export interface ConcludeCommand extends Conclusion {
  readonly job: string
  /** RequestMeta as JSON. */
  readonly meta: string
  /** Request limits that it took from at intake and does not count for after all. */
  readonly uncount?: Uncount
  /** What the answer that is delivered had cost when it was paid; absent = nothing was saved. */
  readonly savedNano?: Nano
}

export interface Uncount {
  readonly limits: readonly LimitLine[]
  /** When they were taken from, `countedAtMs` of the intake. */
  readonly atMs: number
}
export type ConcludeReply =
  | { readonly outcome: 'concluded' }
  | { readonly outcome: 'already'; readonly as: Outcome }
  | Unavailable

export interface KeepTurnsCommand {
  readonly queue: string
  /** The lap to which everything that waits was found to belong; null = nobody has looked. */
  readonly clean: number | null
}
export type KeepTurnsReply =
  /** `sweep`: the lap to which the caller brings what waits; null = nothing to do, or somebody else does it. */
  { readonly outcome: 'kept'; readonly sweep: number | null } | Unavailable

/** Flags the job and tells every worker. */
export type CancelReply =
  | { readonly outcome: 'flagged' }
  | { readonly outcome: 'already'; readonly as: Outcome }
  | Unavailable

export interface WindowState {
  readonly key: string
  /** In force: the policy's, and what is granted on top. */
  readonly limitNano: Nano
  /** The part of it that is granted. */
  readonly creditNano: Nano
  readonly policy: number
  readonly spentNano: Nano
  readonly heldNano: Nano
  readonly startMs: number
  readonly endMs: number
  readonly firedPercent: number
  /** Blocks nothing: what is above its limit was let pass. Absent = false. */
  readonly warnOnly?: boolean
}

/** The slot is missing or closed, or lives in another epoch than the caller's. */
export type Unavailable =
  | { readonly outcome: 'unavailable' }
  | { readonly outcome: 'epoch-changed'; readonly epoch: number }
