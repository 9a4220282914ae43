import type {
  BudgetPolicy,
  LimitPolicy,
  Policy,
  Scope,
  TierPolicy,
} from '../config/policy-types.ts'
import type { LimitLine, RungOffer, WindowLine } from './commands.ts'
import { inputCounter, offerFor, type PlanInput, rungsFor } from './offer.ts'
import { entryOf } from './own-entry.ts'
import type { GovernedRequest, Plan, PlannedRung } from './plan-types.ts'
import { unbounded } from './unbounded.ts'
import { windowAt } from './windows.ts'

/** Whom a budget or limit may be about. */
export type Identity = Pick<GovernedRequest, 'tenant' | 'user' | 'tier' | 'tags'>

/**
 * Writes a name without `:`, `/`, braces, blanks and line breaks; different names stay different. Half a character,
 * which `encodeURIComponent` refuses, becomes `%u` and its code unit.
 */
function escaped(name: string): string {
  if (name.isWellFormed()) return encodeURIComponent(name)
  const characters = Array.from(name, (character) =>
    character.isWellFormed()
      ? encodeURIComponent(character)
      : `%u${character.charCodeAt(0).toString(16)}`,
  )
  return characters.join('')
}

const perUser = (id: string, { tenant, user }: Identity): string =>
  `${id}/${escaped(tenant)}/${escaped(user)}`

/** @returns the state's name for this subject, null when the scope does not cover it. */
function subjectKey(id: string, scope: Scope, who: Identity): string | null {
  if (scope.kind === 'global') return id
  const value = scope.kind === 'tag' ? entryOf(who.tags, scope.key) : who[scope.kind]
  if (value === undefined) return null
  if (scope.of !== 'each') return scope.of.value === value ? id : null
  return scope.kind === 'user' ? perUser(id, who) : `${id}/${escaped(value)}`
}

type Funded = Pick<BudgetPolicy, 'limitNano' | 'per' | 'timezone' | 'alertAt'>

function windowLine(budget: string, funded: Funded, nowMs: number): WindowLine {
  const { id, startMs, endMs } = windowAt(funded.per, funded.timezone, nowMs)
  return {
    key: `${budget}:${id}`,
    startMs,
    endMs,
    limitNano: funded.limitNano,
    marks: funded.alertAt,
  }
}

/** Every budget window that the request must fit in; the tier's own budget is per user. */
export function budgetChain(policy: Policy, who: Identity, nowMs: number): WindowLine[] {
  const lines: WindowLine[] = []
  for (const budget of policy.budgets) {
    const key = subjectKey(budget.id, budget.scope, who)
    if (key !== null) lines.push(windowLine(key, budget, nowMs))
  }
  const own = entryOf(policy.tiers, who.tier)?.budget
  if (own) lines.push(windowLine(perUser(`tier.${who.tier}`, who), own, nowMs))
  return lines
}

function limitLine(limit: LimitPolicy, key: string): LimitLine {
  if (limit.counts === 'concurrent') return { kind: 'concurrent', key, limit: limit.limit }
  const { algorithm, perMs } = limit
  if (algorithm === 'sliding-window') return { kind: algorithm, key, limit: limit.limit, perMs }
  return { kind: algorithm, key, limit: limit.limit, perMs, burst: limit.burst }
}

const limitsThat = (policy: Policy, who: Identity, counts: readonly string[]): LimitLine[] =>
  policy.limits.flatMap((limit) => {
    if (!counts.includes(limit.counts)) return []
    const key = subjectKey(limit.id, limit.scope, who)
    return key === null ? [] : [limitLine(limit, key)]
  })

/** Request limits, checked at intake: the tier's own and the policy's. */
export function requestLimits(policy: Policy, who: Identity): LimitLine[] {
  const named = limitsThat(policy, who, ['requests'])
  const own = entryOf(policy.tiers, who.tier)?.requests
  if (!own) return named
  const { limit, perMs } = own
  const key = perUser(`tier.${who.tier}`, who)
  return [{ kind: 'sliding-window', key, limit, perMs }, ...named]
}

/**
 * Everything admission needs to judge a request, from policy alone: the chain of budget windows, the rungs with the
 * most each can cost, the limits. Pure; no store is asked.
 */
export function planRequest(input: PlanInput): Plan {
  const { policy, request, nowMs } = input
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
  return {
    ok: true,
    windows: budgetChain(policy, request, nowMs),
    offers,
    rungs,
    limits: limitsThat(policy, request, ['tokens', 'concurrent']),
    inputTokens: count(first.rung).tokens,
    parks: request.urgency !== 'interactive' && tier.onExhausted === 'park',
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
