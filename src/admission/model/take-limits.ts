import type { TakeLimitsCommand, TakeLimitsReply } from '../commands.ts'
import { measure, refusingStates, stateOf, take } from './limits.ts'
import { type Context, closedReply } from './state.ts'

/** Takes one of each limit, or of none when one is full. */
export function takeLimits(ctx: Context, { limits }: TakeLimitsCommand): TakeLimitsReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { state, nowMs } = ctx
  const measures = limits.map((line) => measure(state, line, 1, nowMs))
  const refused = measures.findIndex(({ fits }) => !fits)
  if (refused >= 0) {
    return { outcome: 'refused', limit: refused, limits: refusingStates(measures) }
  }
  for (const line of limits) take(state, line, 1, nowMs)
  const states = limits.map((line) => stateOf(measure(state, line, 0, nowMs)))
  return { outcome: 'taken', limits: states }
}
