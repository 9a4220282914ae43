import type { Nano } from '../../money/nano.ts'
import type {
  ExpiredHold,
  ExpireReply,
  ReleaseCommand,
  ReleaseReply,
  RenewCommand,
  RenewReply,
  SettleCommand,
  SettleReply,
} from '../commands.ts'
import {
  concludeJob,
  endPermits,
  leftOf,
  move,
  type Posting,
  post,
  postRequest,
  raiseMarks,
} from './book.ts'
import { keepAnswer } from './cached.ts'
import { endFlight } from './flights.ts'
import type { UsedTokens } from './limits.ts'
import { type AttemptRecord, type Context, closedReply, KEEP_MS } from './state.ts'

type Booked = Extract<SettleReply, { bookedNano: Nano }>
type Booking = Omit<Booked, 'concluded' | 'followers'> & {
  posting: Omit<Posting, 'detail' | 'outcome'> | null
}

const unchanged = (record: AttemptRecord): Booking => ({
  outcome: 'unchanged',
  bookedNano: record.bookedNano,
  overrunNano: 0,
  posting: null,
})

/** H -> S or U: the hold becomes what was spent. */
export function bookHold(
  ctx: Context,
  attempt: string,
  record: AttemptRecord,
  kind: SettleCommand['kind'],
  costNano: Nano,
  used: UsedTokens | null,
): Booking {
  const amount = kind === 'settled' ? costNano : record.holdNano
  move(ctx, record, amount, -record.holdNano)
  endPermits(ctx, record, used)
  ctx.state.exp.delete(attempt)
  record.state = kind === 'settled' ? 'S' : 'U'
  record.bookedNano = amount
  const overrunNano = Math.max(amount - record.holdNano, 0)
  return {
    outcome: 'settled',
    bookedNano: amount,
    overrunNano,
    posting: { kind, deltaNano: amount, overrunNano },
  }
}

/** U -> S: the known cost corrects the unconfirmed booking. */
function adjust(ctx: Context, record: AttemptRecord, costNano: Nano): Booking {
  const deltaNano = costNano - record.bookedNano
  move(ctx, record, deltaNano, 0)
  record.state = 'S'
  record.bookedNano = costNano
  const overrunNano = Math.max(costNano - record.holdNano, 0)
  return {
    outcome: 'adjusted',
    bookedNano: costNano,
    overrunNano,
    posting: { kind: 'adjustment', deltaNano, overrunNano },
  }
}

/** A bill without a hold: booked in full all the same, and marked as far as it passes a limit that blocks. */
function bookOrphan(ctx: Context, command: SettleCommand, record: AttemptRecord): Booking {
  const amount = command.kind === 'settled' ? command.costNano : command.holdNano
  move(ctx, record, amount, 0)
  record.state = command.kind === 'settled' ? 'S' : 'U'
  record.bookedNano = amount
  ctx.state.attempts.set(command.attempt, record)
  const overrunNano = pastLimits(ctx, record, amount)
  return {
    outcome: 'orphan',
    bookedNano: amount,
    overrunNano,
    posting: { kind: command.kind, deltaNano: amount, overrunNano },
  }
}

/** How much of an amount that nobody held for stands above the limits that block. */
export function pastLimits(ctx: Context, record: AttemptRecord, amountNano: Nano): Nano {
  const past = leftOf(ctx, record).leftNano.map((left, at) => {
    const isBlocking = !ctx.state.windows.get(record.windows[at] ?? '')?.warnOnly
    return isBlocking ? Math.min(Math.max(-left, 0), amountNano) : 0
  })
  return Math.max(0, ...past)
}

type Orphan = Pick<SettleCommand, 'job' | 'holdNano' | 'atMs' | 'windows' | 'meta'>

/** The record of an attempt that nobody holds, made of what its caller knows. */
export const orphanRecord = (command: Orphan, rev: number): AttemptRecord => ({
  state: 'S',
  job: command.job,
  rung: 0,
  holdNano: command.holdNano,
  capTokens: 0,
  n: 0,
  atMs: command.atMs,
  windows: command.windows,
  limits: [],
  bookedNano: 0,
  rev,
  meta: command.meta,
})

function book(ctx: Context, command: SettleCommand, record: AttemptRecord): Booking {
  const { attempt, kind, costNano, tokens, outputTokens = null } = command
  const used = tokens === null ? null : { total: tokens, output: outputTokens }
  if (record.state === 'H') return bookHold(ctx, attempt, record, kind, costNano, used)
  if (record.state === 'U' && kind === 'settled') return adjust(ctx, record, costNano)
  return unchanged(record)
}

/** Replaces the hold by what is known of the call. Never fenced: a zombie's money counts. (PROTOCOL 3.5) */
export function settle(ctx: Context, command: SettleCommand): SettleReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { state, nowMs } = ctx
  const known = state.attempts.get(command.attempt)
  const orphan = !known || known.state === 'R'
  if (orphan && nowMs - command.atMs > KEEP_MS) return { outcome: 'too-old' }
  const record = orphan ? orphanRecord(command, known?.rev ?? 0) : known
  const { posting, ...booking } = orphan
    ? bookOrphan(ctx, command, record)
    : book(ctx, command, record)
  const { conclusion } = command
  const concluded = conclusion
    ? concludeJob(ctx, command.job, conclusion, leftOf(ctx, record))
    : false
  const outcome = concluded && conclusion ? conclusion.outcome : null
  const meta = record.meta === '' ? command.meta : record.meta
  if (posting) {
    record.meta = meta
    post(ctx, command.attempt, record, { ...posting, detail: command.detail, outcome })
  } else if (outcome && conclusion) {
    postRequest(ctx, command.job, outcome, conclusion.reason, meta)
  }
  if (posting && posting.deltaNano > 0) raiseMarks(ctx, record)
  if (command.cache && concluded) keepAnswer(ctx, command.attempt, command.cache)
  if (command.gate) {
    const { key, untilMs } = command.gate
    state.gates.set(key, Math.max(state.gates.get(key) ?? 0, untilMs))
  }
  return {
    ...booking,
    concluded,
    followers: endFlight(ctx, command.attempt, command.flight ?? null),
  }
}

/** Gives back what was held by an attempt that has not sent and never will. (PROTOCOL 3.3) */
export function release(ctx: Context, command: ReleaseCommand): ReleaseReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { state } = ctx
  const record = state.attempts.get(command.attempt)
  if (!record) {
    state.attempts.set(command.attempt, tombstone(ctx, command.job))
    return { outcome: 'released', followers: [] }
  }
  if (record.state === 'S') return { outcome: 'kept', followers: [] }
  if (record.state === 'H') {
    move(ctx, record, 0, -record.holdNano)
    endPermits(ctx, record, 'nothing')
    state.exp.delete(command.attempt)
  } else if (record.state === 'U') {
    const deltaNano = 0 - record.bookedNano
    move(ctx, record, deltaNano, 0)
    record.bookedNano = 0
    post(ctx, command.attempt, record, {
      kind: 'released',
      deltaNano,
      overrunNano: 0,
      detail: '',
      outcome: null,
    })
  }
  record.state = 'R'
  record.meta = ''
  return { outcome: 'released', followers: endFlight(ctx, command.attempt, command.flight ?? null) }
}

/** What ended before it began: whoever comes late with it finds `void`. */
export const tombstone = ({ nowMs }: Context, job: string): AttemptRecord => ({
  ...orphanRecord({ job, holdNano: 0, atMs: nowMs, windows: [], meta: '' }, 0),
  state: 'R',
})

/** Only a live hold is renewed; never shortened. */
export function renew(ctx: Context, command: RenewCommand): RenewReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { state, nowMs } = ctx
  const lost = command.attempts.filter((attempt) => {
    const live = state.attempts.get(attempt)?.state === 'H'
    const untilMs = Math.max(state.exp.get(attempt) ?? 0, nowMs + command.ttlMs)
    if (live) state.exp.set(attempt, untilMs)
    return !live
  })
  return { outcome: 'renewed', lost }
}

/** Books due holds whole: never a smaller estimate, never given back. (PROTOCOL 3.6) */
export function expire(ctx: Context, limit: number): ExpireReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { state, nowMs } = ctx
  const due = [...state.exp]
    .filter(([, atMs]) => atMs <= nowMs)
    .sort(([a, aMs], [b, bMs]) => aMs - bMs || (a < b ? -1 : 1))
    .slice(0, limit)
  const holds: ExpiredHold[] = []
  for (const [attempt] of due) {
    const record = state.attempts.get(attempt)
    state.exp.delete(attempt)
    if (record?.state !== 'H') continue
    const { posting } = bookHold(ctx, attempt, record, 'unconfirmed', 0, null)
    if (posting) post(ctx, attempt, record, { ...posting, detail: '', outcome: null })
    if (record.bookedNano > 0) raiseMarks(ctx, record)
    holds.push({ attempt, job: record.job, holdNano: record.holdNano })
  }
  return { outcome: 'expired', holds, more: due.length === limit }
}
