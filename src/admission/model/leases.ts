import type { Nano } from '../../money/nano.ts'
import type {
  BookLeaseCommand,
  BookLeaseReply,
  CloseLeaseCommand,
  CloseLeaseReply,
  LeaseCommand,
  LeaseReply,
} from '../lease-commands.ts'
import type { PostingKind } from '../outbox.ts'
import { enterWindows, staleReply } from './admit.ts'
import { concludeJob, leftOf, move, post, postRequest, raiseMarks } from './book.ts'
import { limitAt } from './credit.ts'
import { bookHold, orphanRecord, pastLimits, tombstone } from './settle.ts'
import { type AttemptRecord, type Context, closedReply, KEEP_MS } from './state.ts'

/**
 * Allowances. (PROTOCOL 3.11) One is a hold like any other, under an id of its own: `renew` keeps it, `expire` books
 * what is left of it, `rebuild` counts it, and reconciliation may `settle` it. Its hold shrinks by what is booked.
 */

const quiet = { overrunNano: 0, detail: '', outcome: null } as const

/** Holds an amount in every window, or in none. Nothing of it may be spent before the ledger has its row. */
export function lease(ctx: Context, command: LeaseCommand): LeaseReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { state, nowMs } = ctx
  const known = state.attempts.get(command.lease)
  if (known) return known.state === 'H' ? heldReply(known) : { outcome: 'void' }
  const stale = staleReply(ctx, command)
  if (stale) return stale
  const { windows, amountNano } = command
  const leftNano = enterWindows(state, command).map(
    (window) => limitAt(window, nowMs) - window.spentNano - window.heldNano,
  )
  const blocking = leftNano.findIndex((left, at) => !windows[at]?.warnOnly && left < amountNano)
  if (blocking >= 0) return { outcome: 'over-budget', window: blocking, leftNano }
  const record: AttemptRecord = {
    ...orphanRecord(
      {
        job: command.process,
        holdNano: amountNano,
        atMs: nowMs,
        windows: windows.map(({ key }) => key),
        meta: '',
      },
      0,
    ),
    state: 'H',
  }
  move(ctx, record, 0, amountNano)
  state.attempts.set(command.lease, record)
  state.exp.set(command.lease, nowMs + command.ttlMs)
  post(ctx, command.lease, record, { ...quiet, kind: 'lease', deltaNano: 0 })
  return heldReply(record)
}

const heldReply = ({ holdNano, atMs }: AttemptRecord): LeaseReply => ({
  outcome: 'held',
  amountNano: holdNano,
  atMs,
})

interface Booking {
  readonly outcome: 'booked' | 'adjusted' | 'unchanged' | 'orphan'
  readonly record: AttemptRecord
  readonly posting: PostingKind | null
  readonly deltaNano: Nano
  readonly overrunNano: Nano
}

/** Books a call: what it cost leaves the allowance. Keyed by attempt: again, only a difference moves. */
export function bookLease(ctx: Context, command: BookLeaseCommand): BookLeaseReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { state, nowMs } = ctx
  const known = state.attempts.get(command.attempt)
  const isFresh = !known || known.state === 'R'
  if (isFresh && nowMs - command.atMs > KEEP_MS) return { outcome: 'too-old' }
  const payer = state.attempts.get(command.lease)
  const booking = isFresh
    ? bookFresh(ctx, command, payer, known?.rev ?? 0)
    : bookKnown(ctx, command, payer, known)
  const concluded = writeEnd(ctx, command, booking)
  const { outcome, record, overrunNano } = booking
  return { outcome, bookedNano: record.bookedNano, overrunNano, concluded }
}

function bookFresh(
  ctx: Context,
  command: BookLeaseCommand,
  payer: AttemptRecord | undefined,
  rev: number,
): Booking {
  const { kind, costNano, holdNano } = command
  const record = orphanRecord({ ...command, windows: payer?.windows ?? command.windows }, rev)
  const amount = kind === 'settled' ? costNano : holdNano
  const overrunNano = spend(ctx, command.lease, payer, record, amount)
  record.state = kind === 'settled' ? 'S' : 'U'
  record.bookedNano = amount
  ctx.state.attempts.set(command.attempt, record)
  const outcome = pays(payer) ? 'booked' : 'orphan'
  return { outcome, record, posting: kind, deltaNano: amount, overrunNano }
}

function bookKnown(
  ctx: Context,
  command: BookLeaseCommand,
  payer: AttemptRecord | undefined,
  record: AttemptRecord,
): Booking {
  const { attempt, kind, costNano } = command
  if (record.state === 'H') {
    // A new life of the slot took it for a hold of its own: the allowance is not asked.
    const { overrunNano, bookedNano } = bookHold(ctx, attempt, record, kind, costNano, null)
    return { outcome: 'booked', record, posting: kind, deltaNano: bookedNano, overrunNano }
  }
  if (record.state === 'S' || kind === 'unconfirmed') {
    return { outcome: 'unchanged', record, posting: null, deltaNano: 0, overrunNano: 0 }
  }
  const deltaNano = costNano - record.bookedNano
  const pastNano = spend(ctx, command.lease, payer, record, deltaNano)
  const overrunNano = Math.max(costNano - record.holdNano, pastNano, 0)
  record.state = 'S'
  record.bookedNano = costNano
  return { outcome: 'adjusted', record, posting: 'adjustment', deltaNano, overrunNano }
}

const pays = (payer: AttemptRecord | undefined): payer is AttemptRecord =>
  payer?.state === 'H' || payer?.state === 'U'

/** Moves an amount from the allowance to the attempt. @returns what of it nobody held, as far as it passes a limit. */
function spend(
  ctx: Context,
  lease: string,
  payer: AttemptRecord | undefined,
  record: AttemptRecord,
  amountNano: Nano,
): Nano {
  const paidNano = pays(payer) ? pay(ctx, lease, payer, amountNano) : 0
  move(ctx, record, amountNano, 0)
  const uncovered = Math.max(amountNano - paidNano, 0)
  const abovePlan = Math.max(amountNano - record.holdNano, 0)
  return Math.max(pastLimits(ctx, record, uncovered), abovePlan)
}

function pay(ctx: Context, lease: string, payer: AttemptRecord, amountNano: Nano): Nano {
  if (payer.state === 'H') {
    const part = Math.min(amountNano, payer.holdNano)
    move(ctx, payer, 0, -part)
    payer.holdNano -= part
    return part
  }
  const part = Math.min(amountNano, payer.bookedNano)
  if (part === 0) return 0
  move(ctx, payer, -part, 0)
  payer.bookedNano -= part
  post(ctx, lease, payer, { ...quiet, kind: 'adjustment', deltaNano: -part })
  return part
}

/** @returns whether this booking ended the request. */
function writeEnd(ctx: Context, command: BookLeaseCommand, booking: Booking): boolean {
  const { record, posting, deltaNano, overrunNano } = booking
  const { attempt, job, conclusion, detail } = command
  const concluded = conclusion ? concludeJob(ctx, job, conclusion, leftOf(ctx, record)) : false
  const outcome = concluded && conclusion ? conclusion.outcome : null
  if (posting) {
    if (record.meta === '') record.meta = command.meta
    post(ctx, attempt, record, { kind: posting, deltaNano, overrunNano, detail, outcome })
  } else if (outcome && conclusion) {
    postRequest(ctx, job, outcome, conclusion.reason, command.meta)
  }
  if (deltaNano > 0) raiseMarks(ctx, record)
  return concluded
}

/** Gives back what is left, unless a call of it was never booked. Again is harmless. */
export function closeLease(ctx: Context, command: CloseLeaseCommand): CloseLeaseReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { attempts, exp } = ctx.state
  const record = attempts.get(command.lease)
  if (!record) {
    attempts.set(command.lease, tombstone(ctx, ''))
    return { outcome: 'closed', releasedNano: 0 }
  }
  if (!pays(record)) return { outcome: 'closed', releasedNano: 0 }
  const missing = command.attempts.filter((attempt) => !attempts.has(attempt)).length
  if (missing > 0) return { outcome: 'unreplayed', missing }
  const isHeld = record.state === 'H'
  const releasedNano = isHeld ? record.holdNano : record.bookedNano
  const deltaNano = isHeld ? 0 : 0 - record.bookedNano
  move(ctx, record, deltaNano, isHeld ? -record.holdNano : 0)
  record.state = 'R'
  record.bookedNano = 0
  exp.delete(command.lease)
  post(ctx, command.lease, record, { ...quiet, kind: 'released', deltaNano })
  return { outcome: 'closed', releasedNano }
}
