import type {
  BudgetPolicy,
  LimitPolicy,
  Policy,
  ProviderPolicy,
  RungPolicy,
  Scope,
  ServiceTier,
  TierPolicy,
} from '../config/policy-types.ts'
import { costBound } from '../pricing/cost.ts'
import { countInputTokens } from '../pricing/tokens.ts'
import type { PriceBook } from '../pricing/types.ts'
import type { LimitLine, RungOffer, WindowLine } from './commands.ts'
import type { GovernedRequest, Plan, PlannedRung } from './plan-types.ts'
import { windowAt } from './windows.ts'

export interface PlanInput {
  readonly policy: Policy
  readonly prices: PriceBook
  readonly request: GovernedRequest
  readonly nowMs: number
}

/** Whom a budget or limit may be about. */
export type Identity = Pick<GovernedRequest, 'tenant' | 'user' | 'tier' | 'tags'>

/** Escapes a name so that it holds neither `:` nor `/` nor braces nor line breaks. */
const escaped = (name: string): string => encodeURIComponent(name.toWellFormed())

const perUser = (id: string, { tenant, user }: Identity): string =>
  `${id}/${escaped(tenant)}/${escaped(user)}`

/** @returns the state's name for this subject, null when the scope does not cover it. */
function subjectKey(id: string, scope: Scope, who: Identity): string | null {
  if (scope.kind === 'global') return id
  const value = scope.kind === 'tag' ? who.tags[scope.key] : who[scope.kind]
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
  const own = policy.tiers[who.tier]?.budget
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
  const own = policy.tiers[who.tier]?.requests
  const key = perUser(`tier.${who.tier}`, who)
  const first: LimitLine[] = own ? [{ kind: 'sliding-window', key, ...own }] : []
  return [...first, ...limitsThat(policy, who, ['requests'])]
}

const alone = (model: string): RungPolicy => {
  const [provider, ...rest] = model.split('/')
  const named = provider !== undefined && rest.length > 0
  return {
    model,
    provider: named ? provider : 'openai',
    upstreamModel: named ? rest.join('/') : model,
    until: null,
    reasoningEffort: null,
    maxOutputTokens: null,
    serviceTier: null,
  }
}

/** The rungs that may serve the request, best first; empty when its tier does not allow the model. */
function rungsFor(policy: Policy, tier: TierPolicy, request: GovernedRequest): RungPolicy[] {
  const ladder = policy.ladders[tier.ladder] ?? []
  if (request.model === 'auto') return request.pinned ? ladder.slice(0, 1) : [...ladder]
  const own = ladder.findIndex(({ model }) => model === request.model)
  if (own >= 0) return ladder.slice(own, request.pinned ? own + 1 : undefined)
  const allowed = tier.models.includes(request.model) || tier.models.includes('*')
  return allowed ? [alone(request.model)] : []
}

const CAP_FIELDS = ['max_completion_tokens', 'max_output_tokens', 'max_tokens'] as const
const SERVICE_TIERS: readonly string[] = ['default', 'flex', 'priority'] satisfies ServiceTier[]

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) > 0
const isServiceTier = (value: unknown): value is ServiceTier =>
  typeof value === 'string' && SERVICE_TIERS.includes(value)

function wantedCap({ body, operation }: GovernedRequest, rung: RungPolicy, usual: number): number {
  if (operation === 'embeddings') return 0
  const asked = CAP_FIELDS.map((name) => body[name]).find(isCount)
  return Math.min(asked ?? usual, rung.maxOutputTokens ?? Number.MAX_SAFE_INTEGER)
}

/** Counting cannot see everything (framing, tools, other tokenizers): a few tokens and the profile's percentage on top. */
const INPUT_CONSTANT_TOKENS = 16

const withMargin = (tokens: number, provider: ProviderPolicy | undefined): number =>
  Math.ceil((tokens * (100 + (provider?.profile.inputMarginPercent ?? 10))) / 100) +
  INPUT_CONSTANT_TOKENS

function offerFor(
  { policy, prices, request, nowMs }: PlanInput,
  rung: RungPolicy,
  counted: number,
): { offer: RungOffer; planned: PlannedRung } | null {
  const price = prices.price(rung.upstreamModel, rung.provider, nowMs)
  if (!price) return null
  const { body } = request
  const asked = isServiceTier(body.service_tier) ? body.service_tier : 'default'
  const inputTokens = withMargin(counted, policy.providers[rung.provider])
  const bound = costBound(price, { inputTokens, serviceTier: rung.serviceTier ?? asked })
  const choices = isCount(body.n) ? body.n : 1
  const capTokens = wantedCap(request, rung, policy.defaults.maxOutputTokens)
  const offer: RungOffer = {
    gate: `${rung.provider}:${rung.upstreamModel}`,
    fixedNano: bound.fixedNano,
    outputPico: bound.outputPico * choices,
    capTokens,
    floorTokens: Math.min(capTokens, policy.defaults.minOutputTokens),
    until: rung.until,
    inputTokens,
  }
  return { offer, planned: { rung, price } }
}

/**
 * Everything admission needs to judge a request, from policy alone: the chain of budget windows, the rungs with the
 * most each can cost, the limits. Pure; no store is asked.
 */
export function planRequest(input: PlanInput): Plan {
  const { policy, request, nowMs } = input
  const tier = policy.tiers[request.tier]
  if (!tier) {
    const known = Object.keys(policy.tiers).join(', ')
    const message = `no tier is called '${request.tier}'; the policy knows ${known}`
    return { ok: false, code: 'UNKNOWN_TIER', message, detail: { tier: request.tier } }
  }
  const counted = countInputTokens(request.operation, request.body).tokens
  const offers: RungOffer[] = []
  const rungs: PlannedRung[] = []
  for (const rung of rungsFor(policy, tier, request)) {
    const made = offerFor(input, rung, counted)
    if (!made) continue
    offers.push(made.offer)
    rungs.push(made.planned)
  }
  if (offers.length === 0) return unknownModel(request, tier)
  return {
    ok: true,
    windows: budgetChain(policy, request, nowMs),
    offers,
    rungs,
    limits: limitsThat(policy, request, ['tokens', 'concurrent']),
    inputTokens: counted,
    parks: request.urgency !== 'interactive' && tier.onExhausted === 'park',
  }
}

function unknownModel(request: GovernedRequest, tier: TierPolicy): Plan {
  const message =
    `model '${request.model}' is not served to tier '${tier.name}': use 'auto', a model of its ladder ` +
    `'${tier.ladder}', or list it under tiers.${tier.name}.models with a known price`
  const { model } = request
  return { ok: false, code: 'UNKNOWN_MODEL', message, detail: { model, tier: tier.name } }
}
