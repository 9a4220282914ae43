import type { LimitPolicy, Policy } from '../../config/policy-types.ts'
import { isWarming } from '../../config/policy-warming.ts'
import type { PlanInput } from '../offer.ts'
import { entryOf } from '../own-entry.ts'
import type { LimitLine, LimitUnit } from '../plan-lines.ts'
import type { GovernedRequest, PlannedRung } from '../plan-types.ts'
import type { Governed } from './chains.ts'
import { type Identity, ownTagOf, perUser, subjectKey, subjectsOf } from './subjects.ts'

/** Who asks, and what for. */
export type Asking = Identity & Pick<GovernedRequest, 'resource'>

/** A limit of somebody, and what it counts. */
export interface NamedLimit {
  readonly line: LimitLine
  readonly counts: LimitPolicy['counts']
  /** The kind of request that it counts; absent = every one. */
  readonly resource?: string
}

const UNITS: Readonly<Partial<Record<LimitPolicy['counts'], LimitUnit>>> = {
  input_tokens: 'input',
  output_tokens: 'output',
}

function limitLine(limit: LimitPolicy, key: string): LimitLine {
  if (limit.counts === 'concurrent') return { kind: 'concurrent', key, limit: limit.limit }
  const unit = UNITS[limit.counts]
  const rate = {
    key,
    limit: limit.limit,
    perMs: limit.perMs,
    ...(unit && { unit }),
    ...(limit.countCached === false && { countCached: false as const }),
  }
  if (limit.algorithm === 'token-bucket') {
    return { kind: limit.algorithm, ...rate, burst: limit.burst }
  }
  return { kind: limit.algorithm, ...rate }
}

const concerns = ({ resource }: LimitPolicy, who: Asking): boolean =>
  resource === undefined || resource === who.resource

function bypasses({ bypass }: Policy, who: Asking): boolean {
  if (isWarming(who)) return true
  if (!bypass) return false
  const { users, tenants, keys } = bypass
  const key = ownTagOf(who, 'key')
  return (
    users.includes(who.user) ||
    tenants.includes(who.tenant) ||
    (key !== undefined && keys.includes(key))
  )
}

/** The tier's own request limit. */
function ownLimit(policy: Policy, who: Asking): NamedLimit[] {
  const own = entryOf(policy.tiers, who.tier)?.requests
  if (!own) return []
  const { limit, perMs, countCached } = own
  const key = perUser(`tier.${who.tier}`, who)
  const line = { kind: 'sliding-window', key, limit, perMs } as const
  return [
    {
      counts: 'requests',
      line: countCached === false ? { ...line, countCached } : line,
    },
  ]
}

/** Every limit of whoever asks, whatever model serves: those of requests first, then those taken with the hold. */
export function limitsFor(policy: Policy, who: Asking): NamedLimit[] {
  if (bypasses(policy, who)) return []
  const named = policy.limits.flatMap((limit): NamedLimit[] => {
    const key = concerns(limit, who) ? subjectKey(limit.id, limit.scope, who) : null
    if (key === null) return []
    const { counts, resource } = limit
    return [{ line: limitLine(limit, key), counts, ...(resource && { resource }) }]
  })
  const all = [...ownLimit(policy, who), ...named]
  return all.toSorted((a, b) => Number(b.counts === 'requests') - Number(a.counts === 'requests'))
}

/** Request limits, checked at intake: the tier's own and the policy's. */
export const requestLimits = (policy: Policy, who: Asking): LimitLine[] =>
  limitsFor(policy, who).flatMap(({ counts, line }) => (counts === 'requests' ? [line] : []))

/** What is taken with the hold: tokens and lanes, and the rungs that each is about. */
export function limitsOf(
  { policy, request }: PlanInput,
  planned: readonly PlannedRung[],
): Governed<LimitLine>[] {
  if (bypasses(policy, request)) return []
  return policy.limits.flatMap((limit) =>
    limit.counts === 'requests' || !concerns(limit, request)
      ? []
      : subjectsOf(limit.id, limit.scope, request, planned).map(({ key, rungs }) => ({
          line: limitLine(limit, key),
          rungs,
        })),
  )
}

/** Ids of the limits that go by address and cannot be kept, because nobody knows whence the request came. */
export const unaddressed = (policy: Policy, who: Asking): string[] =>
  who.ip !== undefined || bypasses(policy, who)
    ? []
    : policy.limits.flatMap((limit) =>
        limit.scope.kind === 'ip' && concerns(limit, who) ? [limit.id] : [],
      )
