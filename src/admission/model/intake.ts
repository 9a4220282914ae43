import type {
  CancelReply,
  ConcludeCommand,
  ConcludeReply,
  IntakeCommand,
  IntakeReply,
  WindowLeft,
} from '../commands.ts'
import type { LimitLine } from '../plan-lines.ts'
import { concludeJob, postRequest } from './book.ts'
import { findAnswer, serveAnswer } from './cached.ts'
import { limitAt } from './credit.ts'
import { nextTurn, takeTurn } from './fair.ts'
import { giveBack, hitsAreFree, measure, refusingStates, stateOf, take } from './limits.ts'
import { type Context, closedReply, jobOf } from './state.ts'

/** A request that ends without a hold touched no window. */
const NOTHING_LEFT = { leftNano: [], creditNano: [] }

/** Request limits, the exact cache and idempotency, before a job costs the queue anything. */
export function intake(ctx: Context, command: IntakeCommand): IntakeReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { state, nowMs } = ctx
  const job = state.jobs.get(command.job)
  if (job?.done) {
    return {
      outcome: 'concluded',
      as: job.done,
      result: state.results.get(command.job)?.text ?? null,
    }
  }
  const states = () => command.limits.map((line) => stateOf(measure(state, line, 0, nowMs)))
  const { turn } = command
  if (job?.queued) {
    const priority = turn ? nextTurn(ctx, turn) : 0
    return { outcome: 'queued', priority, countedAtMs: 0, limits: states() }
  }
  const { cacheKey, look = {} } = command
  const { hit } = findAnswer(ctx, cacheKey, look, 'stale')
  const counts = (line: LimitLine) => hit === null || !hitsAreFree(line)
  const refusal = refuse(ctx, command, counts)
  if (refusal) return refusal
  for (const line of command.limits.filter(counts)) take(state, line, 1, nowMs)
  const limits = states()
  if (hit !== null) {
    const { attempt, costNano } = hit.entry
    postRequest(ctx, command.job, 'cached', attempt, command.meta, costNano)
    const windows = (command.windows ?? []).map((key) => standing(ctx, key))
    return { outcome: 'cached', ...serveAnswer(ctx, cacheKey, hit), limits, windows }
  }
  jobOf(ctx, command.job).queued = true
  if (command.body) {
    const { text, ttlMs } = command.body
    state.bodies.set(command.job, { text, untilMs: nowMs + ttlMs })
  }
  const priority = turn ? takeTurn(ctx, turn) : 0
  return { outcome: 'queued', priority, countedAtMs: nowMs, limits }
}

/** @returns null when nobody has held against it. */
function standing({ state, nowMs }: Context, key: string): WindowLeft | null {
  const window = state.windows.get(key)
  if (!window) return null
  const limitNano = limitAt(window, nowMs)
  return { limitNano, leftNano: limitNano - window.spentNano - window.heldNano }
}

/** @returns null when one more fits into every limit that counts. */
function refuse(
  ctx: Context,
  { job, limits, meta }: IntakeCommand,
  counts: (line: LimitLine) => boolean,
): IntakeReply | null {
  const measures = limits.map((line) => {
    const seen = measure(ctx.state, line, 1, ctx.nowMs)
    return { ...seen, fits: seen.fits || !counts(line) }
  })
  const refused = measures.findIndex(({ fits }) => !fits)
  if (refused < 0) return null
  postRequest(ctx, job, 'refused', limits[refused]?.key ?? '', meta)
  return { outcome: 'refused', limit: refused, limits: refusingStates(measures) }
}

/** Ends a request that no attempt ends: refused, expired, cancelled, failed, answered from the cache. */
export function conclude(ctx: Context, command: ConcludeCommand): ConcludeReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const done = ctx.state.jobs.get(command.job)?.done
  if (done) return { outcome: 'already', as: done }
  concludeJob(ctx, command.job, command, NOTHING_LEFT)
  const { limits = [], atMs = 0 } = command.uncount ?? {}
  for (const line of limits) giveBack(ctx.state, { line, amount: 1 }, 'nothing', atMs)
  const { job, outcome, reason, meta, savedNano } = command
  postRequest(ctx, job, outcome, reason, meta, savedNano)
  return { outcome: 'concluded' }
}

export function cancel(ctx: Context, id: string): CancelReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const job = jobOf(ctx, id)
  if (job.done) return { outcome: 'already', as: job.done }
  job.cancelled = true
  ctx.effects.cancel(id)
  return { outcome: 'flagged' }
}
