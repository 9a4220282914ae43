import { blocks, chainOf } from '../admission/model/chains.ts'
import { affordableCap, amountFor, overBudget } from '../admission/model/rungs.ts'
import { splitWindowKey } from '../admission/outbox.ts'
import { planRequest } from '../admission/plan.ts'
import { BursarError } from '../errors.ts'
import { formatUsd } from '../money/usd.ts'
import { costOf } from '../pricing/cost.ts'
import { readRequest } from '../queue/request.ts'
import { leftIn } from './quota.ts'
import type { Submission } from './submit.ts'
import type { Request } from './types.ts'

/** What a request would meet if it were handed in now. Nothing is reserved. */
export type Quote =
  | {
      readonly served: true
      readonly model: string
      readonly provider: string
      /** 0 = the first choice. */
      readonly rung: number
      /** What would be held, and the most it can cost, USD. */
      readonly mostUsd: string
      /** The counted input alone, USD. */
      readonly leastUsd: string
      readonly inputTokens: number
      readonly outputCapTokens: number
      /** Money is too short for the output that was asked for. */
      readonly shortened: boolean
    }
  | {
      readonly served: false
      readonly budget: string
      readonly window: string
      /** When it would be, ISO 8601; null = never, as the budget stands. */
      readonly resumesAt: string | null
    }

/**
 * Judges a request by the budgets as they stand; a paused model or a full limit may still be in its way.
 * @throws {BursarError} INVALID_REQUEST, UNKNOWN_TIER, UNKNOWN_MODEL, REQUEST_TOO_LARGE, STORE_UNAVAILABLE.
 */
export function quote({ link, rules, clock }: Submission, input: Request): Promise<Quote> {
  return link.use(async ({ store }) => {
    const current = await rules.get()
    const nowMs = clock.now()
    const { request } = readRequest(input, current.policy, nowMs)
    const plan = planRequest({ ...current, request, nowMs })
    if (!plan.ok) throw new BursarError(plan.code, plan.message, { detail: plan.detail })
    const states = await store.peek(plan.windows.map(({ key }) => key))
    const views = plan.windows.map((line, at) => {
      const limitNano = states[at]?.limitNano ?? line.limitNano
      return { limitNano, usedNano: limitNano - leftIn(line, states[at] ?? null) }
    })
    for (const [rung, offer] of plan.offers.entries()) {
      const isBlocking = blocks(plan.windows, chainOf(plan, offer))
      const blocking = views.filter((_, at) => isBlocking(at))
      const outputCapTokens = affordableCap(offer, blocking)
      const planned = plan.rungs[rung]
      if (outputCapTokens < 0 || !planned) continue
      const { inputTokens } = plan
      const least = {
        inputTokens,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: 0,
        reasoningTokens: 0,
      }
      return {
        served: true,
        model: planned.rung.model,
        provider: planned.rung.provider,
        rung,
        mostUsd: formatUsd(amountFor(offer, outputCapTokens)),
        leastUsd: formatUsd(costOf(planned.price, least).costNano),
        inputTokens,
        outputCapTokens,
        shortened: outputCapTokens < offer.capTokens,
      }
    }
    return refused(plan, views)
  })
}

function refused(
  plan: Extract<ReturnType<typeof planRequest>, { ok: true }>,
  views: Parameters<typeof overBudget>[2],
): Quote {
  const { offers, windows } = plan
  const last = offers.at(-1)
  if (!last) throw new RangeError('a plan has at least one offer')
  const isBlocking = blocks(windows, chainOf(plan, last))
  const { window, resumeAtMs } = overBudget(last, windows, views, isBlocking)
  const { budget, window: period } = splitWindowKey(windows[window]?.key ?? ':')
  return {
    served: false,
    budget,
    window: period,
    resumesAt: resumeAtMs > 0 ? new Date(resumeAtMs).toISOString() : null,
  }
}
