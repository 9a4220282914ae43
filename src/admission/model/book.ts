import type { Nano } from '../../money/nano.ts'
import type { Conclusion } from '../commands.ts'
import type { Outcome, PostingKind } from '../outbox.ts'
import { type WindowsLeft, writeStoredResult } from '../result.ts'
import { creditAt, limitAt } from './credit.ts'
import { giveBack, type UsedTokens } from './limits.ts'
import { percentOf } from './rungs.ts'
import { type AttemptRecord, append, type Context, jobOf, type WindowRecord } from './state.ts'

/** Moves `spent` and `held` of every window of the attempt. A window whose key is gone stays gone: posting only. */
export function move(
  { state }: Context,
  record: AttemptRecord,
  spentNano: Nano,
  heldNano: Nano,
): void {
  for (const key of record.windows) {
    const window = state.windows.get(key)
    if (!window) continue
    window.spentNano += spentNano
    window.heldNano += heldNano
  }
}

/** What is left in each window of the attempt, and what is granted there on top; 0 where the key is gone. */
export function leftOf({ state, nowMs }: Context, record: AttemptRecord): WindowsLeft {
  const windows = record.windows.map((key) => state.windows.get(key))
  const left = (window: WindowRecord) => limitAt(window, nowMs) - window.spentNano - window.heldNano
  return {
    leftNano: windows.map((window) => (window ? left(window) : 0)),
    creditNano: windows.map((window) => (window ? creditAt(window, nowMs) : 0)),
  }
}

/** Raises the highest mark that spending has reached in each window, once. */
export function raiseMarks(ctx: Context, record: AttemptRecord): void {
  for (const key of record.windows) {
    const window = ctx.state.windows.get(key)
    if (!window) continue
    const { marks, spentNano, firedPercent } = window
    const limitNano = limitAt(window, ctx.nowMs)
    const reached = marks.filter((mark) => spentNano > 0 && spentNano >= percentOf(limitNano, mark))
    const highest = reached.at(-1) ?? 0
    if (highest <= firedPercent) continue
    window.firedPercent = highest
    append(ctx, {
      type: 'threshold',
      window: key,
      percent: highest,
      spentNano,
      limitNano,
      postedAtMs: ctx.nowMs,
    })
  }
}

/** Ends what the hold took beside money. */
export function endPermits(
  { state }: Context,
  record: AttemptRecord,
  used: UsedTokens | null | 'nothing',
): void {
  for (const taken of record.limits) giveBack(state, taken, used, record.atMs)
  record.limits = []
}

export interface Posting {
  readonly kind: PostingKind
  readonly deltaNano: Nano
  readonly overrunNano: Nano
  readonly detail: string
  readonly outcome: Outcome | null
}

export function post(ctx: Context, attempt: string, record: AttemptRecord, posting: Posting): void {
  record.rev += 1
  append(ctx, {
    type: 'posting',
    attempt,
    epoch: ctx.epoch,
    rev: record.rev,
    kind: posting.kind,
    job: record.job,
    n: record.n,
    deltaNano: posting.deltaNano,
    bookedNano: record.bookedNano,
    holdNano: record.holdNano,
    overrunNano: posting.overrunNano,
    rung: record.rung,
    outputCapTokens: record.capTokens,
    admittedAtMs: record.atMs,
    postedAtMs: ctx.nowMs,
    outcome: posting.outcome ?? '',
    windows: [...record.windows],
    meta: record.meta,
    detail: posting.detail,
  })
  // An ended attempt forgets its meta: the ledger has it.
  record.meta = ''
}

/** A request that ends without a posting of its own. */
export function postRequest(
  ctx: Context,
  job: string,
  outcome: Outcome,
  reason: string,
  meta: string,
  savedNano: Nano = 0,
): void {
  append(ctx, { type: 'request', job, outcome, reason, postedAtMs: ctx.nowMs, meta, savedNano })
}

/** First one wins. @returns false when the request had ended before. */
export function concludeJob(
  ctx: Context,
  id: string,
  conclusion: Conclusion,
  left: WindowsLeft,
): boolean {
  const job = jobOf(ctx, id)
  if (job.done) return false
  job.done = conclusion.outcome
  const stored = writeStoredResult({ ...left, body: conclusion.result })
  ctx.state.results.set(id, { text: stored, untilMs: ctx.nowMs + conclusion.resultTtlMs })
  if (conclusion.hasBody) ctx.state.bodies.delete(id)
  if (conclusion.replyTo !== '') ctx.effects.result(conclusion.replyTo, id, stored)
  return true
}
