import type { Policy, TierPolicy } from '../config/policy-types.ts'
import { isWarming } from '../config/policy-warming.ts'
import { inputCounter, offerFor, type PlanInput, rungsFor } from './offer.ts'
import { entryOf } from './own-entry.ts'
import { chained } from './plan/chains.ts'
import { limitsOf } from './plan/limit-lines.ts'
import { providerLimitsOf } from './plan/provider-limits.ts'
import { windowsOf } from './plan/window-lines.ts'
import type { RungOffer } from './plan-lines.ts'
import type { GovernedRequest, Plan, PlannedRung } from './plan-types.ts'
import { unbounded } from './unbounded.ts'

/**
 * Everything admission needs to judge a request, from policy alone: the chain of budget windows, the rungs with the
 * most each can cost, the limits. Pure; no store is asked.
 */
export function planRequest(input: PlanInput): Plan {
  const { policy, request } = input
  const tier = entryOf(policy.tiers, request.tier)
  if (!tier) return unknownTier(request, policy)
  const fault = unbounded(request)
  if (fault !== null) return invalid(fault)
  const count = inputCounter(request)
  const offers: RungOffer[] = []
  const rungs: PlannedRung[] = []
  for (const rung of rungsFor(policy, tier, request)) {
    const counted = count(rung)
    if (counted.unseen.length > 0) return invalid(unseen(counted.unseen))
    const made = offerFor(input, rung, counted)
    if (!made) continue
    offers.push(made.offer)
    rungs.push(made.planned)
  }
  const [first] = rungs
  if (!first) return unknownModel(request, tier)
  const limits = [...limitsOf(input, rungs), ...providerLimitsOf(input, rungs)]
  return {
    ok: true,
    ...chained(windowsOf(input, rungs), limits, offers),
    rungs,
    inputTokens: count(first.rung).tokens,
    parks: request.urgency !== 'interactive' && tier.onExhausted === 'park' && !isWarming(request),
  }
}

const unseen = (parts: readonly string[]): string =>
  `${parts.join(', ')} cannot be held for: the provider reads it and bills it, and it is not in the request; send its content instead`

const invalid = (message: string): Plan => ({
  ok: false,
  code: 'INVALID_REQUEST',
  message,
  detail: {},
})

function unknownTier({ tier }: GovernedRequest, policy: Policy): Plan {
  const known = Object.keys(policy.tiers).join(', ')
  const message = `no tier is called '${tier}': use one of ${known}, or add it to the policy`
  return { ok: false, code: 'UNKNOWN_TIER', message, detail: { tier } }
}

function unknownModel({ model }: GovernedRequest, tier: TierPolicy): Plan {
  const message =
    `model '${model}' is not served to tier '${tier.name}': use 'auto', a model of its ladder ` +
    `'${tier.ladder}', or list it under tiers.${tier.name}.models with a known price`
  return { ok: false, code: 'UNKNOWN_MODEL', message, detail: { model, tier: tier.name } }
}
