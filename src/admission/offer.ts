import { modelTarget } from '../config/model-target.ts'
import type {
  Policy,
  ProviderPolicy,
  RungPolicy,
  ServiceTier,
  TierPolicy,
} from '../config/policy-types.ts'
import { costBound } from '../pricing/cost.ts'
import { isOpenAi } from '../pricing/is-openai.ts'
import {
  countFamily,
  countInputTokens,
  heldInputTokens,
  type InputCount,
} from '../pricing/tokens.ts'
import type { CostBound, ModelPrice, PriceBook } from '../pricing/types.ts'
import { entryOf } from './own-entry.ts'
import type { RungOffer } from './plan-lines.ts'
import type { GovernedRequest, PlannedRung } from './plan-types.ts'
import { CAP_FIELDS, isCount } from './unbounded.ts'

export interface PlanInput {
  readonly policy: Policy
  readonly prices: PriceBook
  readonly request: GovernedRequest
  readonly nowMs: number
}

const alone = (model: string, { providers }: Policy): RungPolicy => ({
  model,
  ...modelTarget(model, '', (name) => Object.hasOwn(providers, name)),
  until: null,
  reasoningEffort: null,
  maxOutputTokens: null,
  serviceTier: null,
})

/** The rungs that may serve the request, best first; empty when its tier does not allow the model. */
export function rungsFor(
  policy: Policy,
  tier: TierPolicy,
  { model, pinned }: Pick<GovernedRequest, 'model' | 'pinned'>,
): readonly RungPolicy[] {
  const ladder = entryOf(policy.ladders, tier.ladder) ?? []
  const first = model === 'auto' ? 0 : ladder.findIndex((rung) => rung.model === model)
  if (first >= 0) return ladder.slice(first, pinned ? first + 1 : undefined)
  const allowed = tier.models.includes(model) || tier.models.includes('*')
  return allowed ? [alone(model, policy)] : []
}

/** Counts the input once for each family of models: tokenizers and images differ. */
export function inputCounter({
  operation,
  body,
}: GovernedRequest): (rung: RungPolicy) => InputCount {
  const counts = new Map<string, InputCount>()
  return ({ upstreamModel }) => {
    const family = countFamily(operation, upstreamModel)
    const known = counts.get(family)
    if (known) return known
    const count = countInputTokens(operation, body, upstreamModel)
    counts.set(family, count)
    return count
  }
}

function wantedCap({ body, operation }: GovernedRequest, rung: RungPolicy, usual: number): number {
  if (operation === 'embeddings') return 0
  const asked = CAP_FIELDS.map((name) => body[name]).filter(isCount)
  const cap = asked.length === 0 ? usual : Math.min(...asked)
  return Math.min(cap, rung.maxOutputTokens ?? cap)
}

const isServiceTier = (value: unknown): value is ServiceTier =>
  value === 'default' || value === 'flex' || value === 'priority'

/**
 * The service tier that is sent; null = none, and list price. Embeddings have tiers only where the app says so. At
 * OpenAI a request that names none gets the one of its project, which may be the dear one.
 */
function serviceTierOf(
  { operation, body }: GovernedRequest,
  rung: RungPolicy,
  provider: ProviderPolicy | undefined,
): ServiceTier | null {
  const asked = isServiceTier(body.service_tier) ? body.service_tier : null
  if (operation === 'embeddings') return asked
  return rung.serviceTier ?? asked ?? (isOpenAi(provider) ? 'default' : null)
}

/** Priority falls back to the default tier when there is too much of it; the other tiers are what they say. */
function dearestBound(
  price: ModelPrice,
  inputTokens: number,
  serviceTier: ServiceTier | null,
): CostBound {
  const { multipliers } = price
  const fallsBack = serviceTier === 'priority' && multipliers.priority < multipliers.default
  return costBound(price, { inputTokens, serviceTier: fallsBack ? 'default' : serviceTier })
}

const USUAL_MARGIN_PERCENT = 10

/** What a rung asks of the budgets; null when nobody knows its price. */
export function offerFor(
  { policy, prices, request, nowMs }: PlanInput,
  rung: RungPolicy,
  counted: InputCount,
): { offer: RungOffer; planned: PlannedRung } | null {
  const price = prices.price(rung.upstreamModel, rung.provider, nowMs)
  if (!price) return null
  const provider = entryOf(policy.providers, rung.provider)
  const margin = provider?.profile.inputMarginPercent ?? USUAL_MARGIN_PERCENT
  const inputTokens = heldInputTokens(counted, margin)
  const serviceTier = serviceTierOf(request, rung, provider)
  const bound = dearestBound(price, inputTokens, serviceTier)
  const { n } = request.body
  const capTokens = wantedCap(request, rung, policy.defaults.maxOutputTokens)
  const offer: RungOffer = {
    gate: `${rung.provider}:${rung.upstreamModel}`,
    fixedNano: bound.fixedNano,
    outputPico: bound.outputPico * (isCount(n) ? n : 1),
    capTokens,
    floorTokens: Math.min(capTokens, policy.defaults.minOutputTokens),
    until: rung.until,
    inputTokens,
  }
  return { offer, planned: { rung: { ...rung, serviceTier }, price } }
}
