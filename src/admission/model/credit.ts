import type { Nano } from '../../money/nano.ts'
import type { CreditCommand, CreditReply } from '../credit-command.ts'
import { type Context, type Credit, closedReply, openedWindow, type WindowRecord } from './state.ts'

/** Credits raise no limit past this: what reads Redis' integers loses digits next to 2^53. */
const MOST_NANO: Nano = 9e15

export const raised = (limitNano: Nano, amountNano: Nano): Nano =>
  Math.max(limitNano, Math.min(limitNano + amountNano, MOST_NANO))

/** The limit in force at an instant: the policy's, and every credit that has not lapsed. */
export function limitAt({ limitNano, credits }: WindowRecord, nowMs: number): Nano {
  let limit = limitNano
  for (const { amountNano, untilMs } of credits) {
    if (untilMs > nowMs) limit = raised(limit, amountNano)
  }
  return limit
}

/** The part of it that was granted on top of the policy's. */
export const creditAt = (window: WindowRecord, nowMs: number): Nano =>
  limitAt(window, nowMs) - window.limitNano

/** Sets what is granted on top of a window's limit; 0 revokes it. Beside admission, the only way to open a window. */
export function credit(ctx: Context, command: CreditCommand): CreditReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { state, nowMs } = ctx
  const { line, untilMs } = command
  const known = state.windows.get(line.key)
  if (nowMs >= untilMs || nowMs >= (known?.endMs ?? line.endMs)) return { outcome: 'lapsed' }
  const window = known ?? openedWindow(line, command.policy)
  window.credits = withCredit(window.credits, command, nowMs)
  if (!known) state.windows.set(line.key, window)
  const { spentNano, heldNano } = window
  return { outcome: 'set', limitNano: limitAt(window, nowMs), spentNano, heldNano }
}

/** Revoked credits stay in the list, at 0, as long as they would have counted: their grant may arrive late. */
function withCredit(
  credits: readonly Credit[],
  { id, amountNano, untilMs }: CreditCommand,
  nowMs: number,
): Credit[] {
  const live = credits.filter((one) => one.untilMs > nowMs)
  const known = live.find((one) => one.id === id)
  if (!known) return [...live, { id, amountNano, untilMs }]
  const lower = { ...known, amountNano: Math.min(known.amountNano, amountNano) }
  return live.map((one) => (one.id === id ? lower : one))
}
