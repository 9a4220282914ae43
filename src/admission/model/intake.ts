import type {
  CancelReply,
  ConcludeCommand,
  ConcludeReply,
  IntakeCommand,
  IntakeReply,
  LimitState,
} from '../commands.ts'
import { concludeJob, postRequest } from './book.ts'
import { measure, take } from './limits.ts'
import { type Context, closedReply, jobOf } from './state.ts'

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
  const look = (amount: number) => command.limits.map((l) => measure(state, l, amount, nowMs))
  if (job?.queued) return { outcome: 'queued', limits: look(0).map(stateOf) }
  const measures = look(1)
  const refused = measures.findIndex(({ fits }) => !fits)
  if (refused >= 0) {
    postRequest(ctx, command.job, 'refused', command.limits[refused]?.key ?? '', command.meta)
    const limits = measures.map((m) => ({ ...stateOf(m), resetAtMs: m.retryAtMs }))
    return { outcome: 'refused', limit: refused, limits }
  }
  for (const line of command.limits) take(state, line, 1, nowMs)
  const limits = look(0).map(stateOf)
  const cached = command.cacheKey === null ? undefined : state.cache.get(command.cacheKey)
  if (cached && cached.untilMs > nowMs) {
    postRequest(ctx, command.job, 'cached', '', command.meta)
    return { outcome: 'cached', body: cached.text, limits }
  }
  jobOf(ctx, command.job).queued = true
  if (command.body) {
    const { text, ttlMs } = command.body
    state.bodies.set(command.job, { text, untilMs: nowMs + ttlMs })
  }
  return { outcome: 'queued', limits }
}

const stateOf = ({ key, remaining, resetAtMs }: LimitState): LimitState => ({
  key,
  remaining,
  resetAtMs,
})

/** Ends a request that no attempt ends: refused, expired, cancelled, failed, answered from the cache. */
export function conclude(ctx: Context, command: ConcludeCommand): ConcludeReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const done = ctx.state.jobs.get(command.job)?.done
  if (done) return { outcome: 'already', as: done }
  concludeJob(ctx, command.job, command, [])
  postRequest(ctx, command.job, command.outcome, command.reason, command.meta)
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
