import { z } from 'zod'
import { OPERATIONS } from '../config/operations.ts'

/**
 * What the slot tells the ledger. Each entry is one entry of a Redis stream (packed) or of the in-memory outbox, with the
 * same fields; `readOutboxEntry` turns either into one of these.
 */
export const OUTCOMES = [
  'answered',
  'cached',
  'joined',
  'refused',
  'expired',
  'cancelled',
  'failed',
] as const
/** How a request ended. `parked` is no end. */
export type Outcome = (typeof OUTCOMES)[number]

export const URGENCIES = ['interactive', 'deferrable', 'batch'] as const
export type Urgency = (typeof URGENCIES)[number]

const count = z.int().min(0)

/** Who asked for what: fixed at intake, the same for every attempt of the request. */
export const RequestMetaSchema = z.object({
  tenant: z.string(),
  user: z.string(),
  tier: z.string(),
  /** `key=value` pairs as an object. */
  tags: z.record(z.string(), z.string()),
  operation: z.enum(OPERATIONS),
  urgency: z.enum(URGENCIES),
  modelRequested: z.string(),
  enqueuedAtMs: count,
})
export type RequestMeta = z.infer<typeof RequestMetaSchema>

/** Fixed when the hold is asked for; stored on the hold, so that a dead worker's entry is complete too. */
export const AttemptMetaSchema = RequestMetaSchema.extend({
  /** The rungs that were offered; the posting's `rung` is an index into them. */
  rungs: z.array(z.object({ model: z.string(), provider: z.string() })).min(1),
  /** Counted input with its margin, tokens. */
  inputTokensHeld: count,
  priceVersion: z.string(),
  policyVersion: count,
})
export type AttemptMeta = z.infer<typeof AttemptMetaSchema>

/** What the settling process knows of the call. Absent when the sweeper booked the hold of a dead worker. */
export const SettleDetailSchema = z.object({
  seen: z.enum(['answer', 'unbilled-error', 'aborted', 'unknown']),
  reason: z.string().nullable(),
  status: z.int().nullable(),
  usage: z
    .object({
      inputTokens: count,
      cachedInputTokens: count,
      cacheWriteTokens: count,
      outputTokens: count,
      reasoningTokens: count,
    })
    .nullable(),
  /** Cost at list price, nano-USD; null when unknown. */
  listNano: count.nullable(),
  servedModel: z.string().nullable(),
  serviceTier: z.string().nullable(),
  providerRequestId: z.string().nullable(),
  /** True when the cost is computed from what was streamed, not from the provider's usage. */
  estimated: z.boolean(),
  /** A lower estimate kept beside a whole-hold booking, nano-USD. */
  noteNano: count.nullable(),
  /** What the kept part of the answer had cost when it was paid, nano-USD; absent = all of it was paid now. */
  savedNano: count.exactOptional(),
  startedAtMs: count,
  endedAtMs: count,
})
export type SettleDetail = z.infer<typeof SettleDetailSchema>

/** `lease` moves nothing: it tells the ledger of an allowance that is held. */
export const POSTING_KINDS = ['settled', 'unconfirmed', 'adjustment', 'released', 'lease'] as const
export type PostingKind = (typeof POSTING_KINDS)[number]

/** One change of what an attempt has booked. Its key is (attempt, epoch, rev). */
export interface PostingEntry {
  readonly type: 'posting'
  /** Stream id, `<ms>-<seq>`. */
  readonly id: string
  readonly attempt: string
  readonly epoch: number
  readonly rev: number
  readonly kind: PostingKind
  readonly job: string
  /** Which take of the job, from 1; 0 = orphan. */
  readonly n: number
  /** Change of `spent` in every window of `windows`, nano-USD, may be negative or 0. */
  readonly deltaNano: number
  /** What the attempt has in `spent` after this posting. */
  readonly bookedNano: number
  readonly holdNano: number
  /** Part of the booking above the hold (or, for an orphan, above a limit); 0 = none. */
  readonly overrunNano: number
  /** Keys `<budget>:<window>`, fixed at admission. */
  readonly windows: readonly string[]
  readonly rung: number
  readonly outputCapTokens: number
  /** When the hold was taken, and when this was posted; ms by the slot's clock. */
  readonly admittedAtMs: number
  readonly postedAtMs: number
  /** null for an orphan whose caller did not know it. */
  readonly meta: AttemptMeta | null
  readonly detail: SettleDetail | null
  /** Set when this posting also ended the request. */
  readonly outcome: Outcome | null
}

/** A request that ended without a posting: cached, refused, cancelled, expired, failed. */
export interface RequestEntry {
  readonly type: 'request'
  readonly id: string
  readonly job: string
  readonly outcome: Outcome
  /**
   * A stable code: an ErrorCode, a limit's or a budget's id; for an answer that was kept or joined, the attempt that had
   * paid for it; '' when there is nothing to say.
   */
  readonly reason: string
  readonly postedAtMs: number
  readonly meta: RequestMeta
  /** What the answer had cost at list price when it was paid, nano-USD; 0 = nothing was saved. */
  readonly savedNano: number
}

/** A budget window passed one of its `alert_at` percents. Highest only, once per window and percent. */
export interface ThresholdEntry {
  readonly type: 'threshold'
  readonly id: string
  /** `<budget>:<window>` */
  readonly window: string
  readonly percent: number
  readonly spentNano: number
  readonly limitNano: number
  readonly postedAtMs: number
}

export type OutboxEntry = PostingEntry | RequestEntry | ThresholdEntry

/** The ledger's view of the slot. */
export interface Outbox {
  /** State of the slot; null when it is missing or closed. */
  slot(): Promise<{ epoch: number; acked: string; trimmed: string } | null>
  /** Entries after `afterId` ('0' = from the start), oldest first, at most `limit`. */
  read(afterId: string, limit: number): Promise<readonly OutboxEntry[]>
  /** Marks everything up to `watermark` as in the ledger and trims it. Idempotent; an older watermark changes nothing. */
  acknowledge(
    epoch: number,
    watermark: string,
  ): Promise<'acknowledged' | 'epoch-changed' | 'unavailable'>
}

/** Splits `<budget>:<window>`; the budget part is escaped and never holds a colon after the last one. */
export function splitWindowKey(key: string): { budget: string; window: string } {
  const at = key.lastIndexOf(':')
  return { budget: key.slice(0, at), window: key.slice(at + 1) }
}

/** Orders stream ids `<ms>-<seq>`. '0' counts as 0-0. */
export function compareOutboxIds(a: string, b: string): number {
  const [aMs = '0', aSeq = '0'] = a.split('-')
  const [bMs = '0', bSeq = '0'] = b.split('-')
  return Number(aMs) - Number(bMs) || Number(aSeq) - Number(bSeq)
}
