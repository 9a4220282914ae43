import type { LimitPolicy, Policy } from '../../config/policy-types.ts'
import type { LimitLine } from '../commands.ts'
import type { PlanInput } from '../offer.ts'
import { entryOf } from '../own-entry.ts'
import type { PlannedRung } from '../plan-types.ts'
import type { Governed } from './chains.ts'
import { type Identity, perUser, subjectKey, subjectsOf } from './subjects.ts'

function limitLine(limit: LimitPolicy, key: string): LimitLine {
  if (limit.counts === 'concurrent') return { kind: 'concurrent', key, limit: limit.limit }
  const { algorithm, perMs } = limit
  if (algorithm === 'sliding-window') return { kind: algorithm, key, limit: limit.limit, perMs }
  return { kind: algorithm, key, limit: limit.limit, perMs, burst: limit.burst }
}

/** Request limits, checked at intake: the tier's own and the policy's. */
export function requestLimits(policy: Policy, who: Identity): LimitLine[] {
  const named = policy.limits.flatMap((limit) => {
    const key = limit.counts === 'requests' ? subjectKey(limit.id, limit.scope, who) : null
    return key === null ? [] : [limitLine(limit, key)]
  })
  const own = entryOf(policy.tiers, who.tier)?.requests
  if (!own) return named
  const { limit, perMs } = own
  const key = perUser(`tier.${who.tier}`, who)
  return [{ kind: 'sliding-window', key, limit, perMs }, ...named]
}

/** What is taken with the hold: tokens and lanes, and the rungs that each is about. */
export function limitsOf(
  { policy, request }: PlanInput,
  planned: readonly PlannedRung[],
): Governed<LimitLine>[] {
  return policy.limits.flatMap((limit) =>
    limit.counts === 'requests'
      ? []
      : subjectsOf(limit.id, limit.scope, request, planned).map(({ key, rungs }) => ({
          line: limitLine(limit, key),
          rungs,
        })),
  )
}
