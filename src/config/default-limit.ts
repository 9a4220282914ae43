import type { Options } from './options.ts'
import { own } from './own.ts'
import type { LimitPolicy, Policy, TierPolicy } from './policy-types.ts'
import { parseDuration } from './units.ts'

type Wanted = Pick<Options, 'RATE_LIMIT_ENABLED' | 'RATE_LIMIT_REQUESTS' | 'RATE_LIMIT_WINDOW'>

/** Gives a request limit to each user of the tiers that the policy gives none, when the options ask for it. */
export function withDefaultLimit(policy: Policy, options: Wanted): Policy {
  if (!options.RATE_LIMIT_ENABLED) return policy
  const perMs = parseDuration(options.RATE_LIMIT_WINDOW)
  if (perMs === undefined) return policy
  const requests = { limit: options.RATE_LIMIT_REQUESTS, perMs }
  const isBare = (tier: TierPolicy) =>
    tier.requests === null && !policy.limits.some((limit) => governs(limit, tier))
  const tiers = Object.entries(policy.tiers).map(([name, tier]): [string, TierPolicy] => [
    name,
    isBare(tier) ? { ...tier, requests } : tier,
  ])
  return { ...policy, tiers: own(Object.fromEntries(tiers)) }
}

/** Whether every request of every user of the tier is counted by it. */
function governs({ counts, resource, scope }: LimitPolicy, tier: TierPolicy): boolean {
  if (counts !== 'requests' || resource !== undefined) return false
  if (scope.kind === 'tier') return scope.of === 'each' || scope.of.value === tier.name
  return scope.kind === 'user' && scope.of === 'each'
}
