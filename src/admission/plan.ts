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
import { chained, type Governed } from './plan-chains.ts'
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
  if (scope.kind === 'model' || scope.kind === 'provider') return null
  const value = scope.kind === 'tag' ? entryOf(who.tags, scope.key) : who[scope.kind]
  if (value === undefined) return null
  if (scope.of !== 'each') return scope.of.value === value ? id : null
  return scope.kind === 'user' ? perUser(id, who) : `${id}/${escaped(value)}`
}

/** The states that a scope has for a request, and the rungs that each is about; null = every one. */
function subjectsOf(
  id: string,
  scope: Scope,
  who: Identity,
  rungs: readonly PlannedRung[],
): { readonly key: string; readonly rungs: readonly number[] | null }[] {
  if (scope.kind !== 'model' && scope.kind !== 'provider') {
    const key = subjectKey(id, scope, who)
    return key === null ? [] : [{ key, rungs: null }]
  }
  const subjects = new Map<string, number[]>()
  for (const [at, { rung }] of rungs.entries()) {
    const value = rung[scope.kind]
    if (scope.of !== 'each' && scope.of.value !== value) continue
    const key = scope.of === 'each' ? `${id}/${escaped(value)}` : id
    subjects.set(key, [...(subjects.get(key) ?? []), at])
  }
  return [...subjects].map(([key, places]) => ({ key, rungs: places }))
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

/** Every budget window that whoever asks must fit in, whatever model serves; the tier's own budget is per user. */
export function budgetChain(policy: Policy, who: Identity, nowMs: number): WindowLine[] {
  const lines: WindowLine[] = []
  for (const budget of policy.budgets) {
    const key = subjectKey(budget.id, budget.scope, who)
    if (key !== null) lines.push(windowLine(key, budget, nowMs))
  }
  const own = ownWindow(policy, who, nowMs)
  return own ? [...lines, own] : lines
}

function ownWindow(policy: Policy, who: Identity, nowMs: number): WindowLine | null {
  const own = entryOf(policy.tiers, who.tier)?.budget
  return own ? windowLine(perUser(`tier.${who.tier}`, who), own, nowMs) : null
}

function windowsOf(
  { policy, request, nowMs }: PlanInput,
  planned: readonly PlannedRung[],
): Governed<WindowLine>[] {
  const lines = policy.budgets.flatMap((budget) =>
    subjectsOf(budget.id, budget.scope, request, planned).map(({ key, rungs }) => ({
      line: windowLine(key, budget, nowMs),
      rungs,
    })),
  )
  const own = ownWindow(policy, request, nowMs)
  return own ? [...lines, { line: own, rungs: null }] : lines
}

function limitsOf(
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
  return {
    ok: true,
    ...chained(windowsOf(input, rungs), limitsOf(input, rungs), offers),
    rungs,
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
