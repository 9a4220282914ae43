import type { Nano } from '../../money/nano.ts'
import type { AdoptCommand, AdoptReply } from '../adopt-command.ts'
import { latestEndMs } from '../latest-end.ts'
import type { PostingKind } from '../outbox.ts'
import { leftOf, move, post, raiseMarks } from './book.ts'
import { type AttemptRecord, type Context, closedReply, KEEP_MS } from './state.ts'

/** Makes the record of a lost attempt again; one that is there is left alone. A hold comes back even above the limit. */
export function adopt(ctx: Context, command: AdoptCommand): AdoptReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { state } = ctx
  const { attempt, ledger, as } = command
  if (state.attempts.has(attempt)) return { outcome: 'known' }
  const record = recordOf(ctx, command)
  state.attempts.set(attempt, record)
  if (ledger === null || ledger.state === 'R') openMissing(ctx, record)
  if (ledger?.state === 'S') return end(record, 'S', 0)
  if (as === 'settled') {
    const overrunNano = book(ctx, command, record, 'settled', command.costNano)
    return end(record, 'S', overrunNano)
  }
  if (ledger?.state === 'U') return end(record, 'U', 0)
  if (as === 'unconfirmed') {
    const overrunNano = book(ctx, command, record, 'unconfirmed', command.holdNano)
    return end(record, 'U', overrunNano)
  }
  return hold(ctx, command, record)
}

const recordOf = ({ epoch }: Context, command: AdoptCommand): AttemptRecord => ({
  state: 'H',
  job: command.job,
  rung: command.rung,
  holdNano: command.holdNano,
  capTokens: command.capTokens,
  n: command.n,
  atMs: command.atMs,
  windows: command.windows,
  limits: [],
  bookedNano: command.ledger?.bookedNano ?? 0,
  // Postings of this life go on where the ledger's newest one stands.
  rev: command.ledger?.epoch === epoch ? command.ledger.rev : 0,
  meta: command.meta,
})

/** A window that this life has not seen: nothing was booked in it. Its terms come with the next admission. */
function openMissing({ state, nowMs }: Context, { windows }: AttemptRecord): void {
  for (const key of windows) {
    const endMs = latestEndMs(key)
    if (state.windows.has(key) || nowMs >= endMs + KEEP_MS) continue
    const amounts = { limitNano: 0, spentNano: 0, heldNano: 0 }
    const terms = { startMs: 0, endMs, marks: [], firedPercent: 0, warnOnly: false, credits: [] }
    state.windows.set(key, { policy: 0, ...amounts, ...terms })
  }
}

function book(
  ctx: Context,
  command: AdoptCommand,
  record: AttemptRecord,
  kind: PostingKind,
  amountNano: Nano,
): Nano {
  const deltaNano = amountNano - record.bookedNano
  const corrects = command.ledger?.state === 'U'
  record.bookedNano = amountNano
  move(ctx, record, deltaNano, 0)
  const pastNano = corrects ? 0 : pastKnownLimits(ctx, record, deltaNano)
  const overrunNano = Math.max(amountNano - record.holdNano, pastNano, 0)
  post(ctx, command.attempt, record, {
    kind: corrects ? 'adjustment' : kind,
    deltaNano,
    overrunNano,
    detail: command.detail,
    outcome: null,
  })
  if (deltaNano > 0) raiseMarks(ctx, record)
  return overrunNano
}

function hold(ctx: Context, command: AdoptCommand, record: AttemptRecord): AdoptReply {
  move(ctx, record, 0, record.holdNano)
  ctx.state.exp.set(command.attempt, ctx.nowMs + command.ttlMs)
  const overrunNano = pastKnownLimits(ctx, record, record.holdNano)
  return { outcome: 'adopted', state: 'H', bookedNano: 0, overrunNano }
}

/** As for an orphan; but a window without terms has no limit to pass. */
function pastKnownLimits(ctx: Context, record: AttemptRecord, amountNano: Nano): Nano {
  const past = leftOf(ctx, record).leftNano.map((left, at) => {
    const window = ctx.state.windows.get(record.windows[at] ?? '')
    const isBlocking = window !== undefined && window.policy > 0 && !window.warnOnly
    return isBlocking ? Math.min(Math.max(-left, 0), amountNano) : 0
  })
  return Math.max(0, ...past)
}

function end(record: AttemptRecord, state: 'S' | 'U', overrunNano: Nano): AdoptReply {
  record.state = state
  record.meta = ''
  return { outcome: 'adopted', state, bookedNano: record.bookedNano, overrunNano }
}
