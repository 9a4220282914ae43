import type { AdmitReply } from '../admission/commands.ts'
import { blocks, chainOf } from '../admission/model/chains.ts'
import { amountFor, percentOf } from '../admission/model/rungs.ts'
import { FOREVER_MS, type RungOffer } from '../admission/plan-lines.ts'
import type { Plan } from '../admission/plan-types.ts'
import type { CompletionJob } from './job.ts'

/** How long work without a deadline waits for somebody to raise a budget that never begins anew. */
export const TOP_UP_PATIENCE_MS = 7 * 24 * 3_600_000

/**
 * Until when work waits for money that no new window brings: a budget for good is used up, and somebody may raise it.
 * @returns null when waiting is no use: the time is over, or the request is larger than a whole budget is.
 */
export function topUpUntilMs(
  reply: Extract<AdmitReply, { outcome: 'over-budget' }>,
  plan: Extract<Plan, { ok: true }>,
  { deadlineMs, enqueuedAtMs }: Pick<CompletionJob, 'deadlineMs' | 'enqueuedAtMs'>,
  nowMs: number,
): number | null {
  const untilMs = deadlineMs === 0 ? enqueuedAtMs + TOP_UP_PATIENCE_MS : deadlineMs
  return untilMs > nowMs && isUsedUpForGood(reply, plan) ? untilMs : null
}

/** Some window that never rolls lacks the money, and every one that lacks it would have it if nothing were used. */
function isUsedUpForGood(
  { window: first, limitNano, leftNano }: Extract<AdmitReply, { outcome: 'over-budget' }>,
  plan: Extract<Plan, { ok: true }>,
): boolean {
  const offer = plan.offers.at(-1)
  if (!offer) return false
  const leastNano = leastOf(offer)
  const mayBlock = blocks(plan.windows, chainOf(plan, offer))
  let forGood = false
  for (const [at, line] of plan.windows.entries()) {
    const limit = at === first ? limitNano : line.limitNano
    const ceiling = offer.until === null ? limit : percentOf(limit, offer.until)
    const left = (leftNano[at] ?? limit) - (limit - ceiling)
    if (!mayBlock(at) || leastNano <= left) continue
    if (leastNano > ceiling) return false
    forGood ||= line.endMs >= FOREVER_MS
  }
  return forGood
}

/** What the last rung needs: one that others stand below is served whole or not at all. */
export const leastOf = (offer: RungOffer): number =>
  amountFor(offer, offer.until === null ? offer.floorTokens : offer.capTokens)
