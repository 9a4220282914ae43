import { modelTarget } from './model-target.ts'
import type { Draft } from './policy-draft.ts'
import {
  type BudgetPolicy,
  type FundPolicy,
  type LimitPolicy,
  type ProviderPolicy,
  RATES,
  type RungPolicy,
  type TierPolicy,
} from './policy-types.ts'
import type { PriceOverride } from './price-types.ts'
import { PERIOD_MS } from './units.ts'

type Entry<T> = Exclude<T, undefined>
type BudgetDraft = Entry<Draft['budgets'][number]>
type LimitDraft = Entry<Draft['limits'][number]>
type PriceDraft = Entry<Draft['prices'][number]>
type TierDraft = Entry<Draft['tiers'][string]>
type ProviderDraft = Entry<Draft['providers'][string]>
type RungDraft = Entry<Entry<Draft['ladders'][string]>[number]>
type IsProvider = (name: string) => boolean

/** Normalises a tier. @param budget - its own, normalised. */
export function buildTier(name: string, draft: TierDraft, budget: FundPolicy | null): TierPolicy {
  const { requests } = draft
  return {
    name,
    requests: requests
      ? {
          limit: requests.limit,
          perMs: PERIOD_MS[requests.per],
          countCached: requests.count_cached,
        }
      : null,
    budget,
    ladder: draft.ladder,
    models: draft.models,
    onExhausted: draft.on_exhausted,
    weight: draft.weight,
    ...(draft.execute && { execute: draft.execute }),
  }
}

/** Normalises a budget. @param fund - its money, normalised. */
export const buildBudget = ({ id, scope }: BudgetDraft, fund: FundPolicy): BudgetPolicy => ({
  id,
  scope,
  ...fund,
})

const COUNTED = [...RATES, 'concurrent'] as const

/** Normalises a limit. @returns undefined when its keys do not go together; that is told to `refuse`. */
export function buildLimit(
  draft: LimitDraft,
  refuse: (message: string) => void,
): LimitPolicy | undefined {
  const { scope } = draft
  const [counts, ...more] = COUNTED.filter((key) => draft[key] !== undefined)
  const limit = counts && draft[counts]
  if (counts === undefined || limit === undefined || more.length > 0) {
    return void refuse(`counts nothing, or too much; write one of ${COUNTED.join(', ')}`)
  }
  const { algorithm = 'sliding-window', per, burst } = draft
  const about = { id: draft.id, scope, ...(draft.resource && { resource: draft.resource }) }
  if (draft.count_cached !== undefined && counts !== 'requests') {
    return void refuse('count_cached is about requests; leave it out here')
  }
  if (counts === 'requests' && (scope.kind === 'model' || scope.kind === 'provider')) {
    return void refuse(
      'counts requests, which arrive before a model is chosen; count tokens or concurrent, or write limits under the provider',
    )
  }
  if (counts === 'concurrent') {
    return per !== undefined || burst !== undefined || draft.algorithm !== undefined
      ? void refuse('what is concurrent has no time; leave out per, burst and algorithm')
      : { ...about, counts, limit }
  }
  if (per === undefined) return void refuse('says no time; write per: minute, hour, day, ...')
  if (algorithm === 'fixed-window' && (per === 'month' || per === 'year')) {
    return void refuse(
      `a fixed-window is of a minute, an hour, a day or a week; write sliding-window, or a budget per ${per}`,
    )
  }
  const base = {
    ...about,
    counts,
    limit,
    perMs: PERIOD_MS[per],
    countCached: draft.count_cached ?? true,
  }
  if (algorithm === 'token-bucket') return { ...base, algorithm, burst: burst ?? limit }
  return burst === undefined
    ? { ...base, algorithm }
    : void refuse('only a token-bucket has a burst; write algorithm: token-bucket or leave it out')
}

/** Normalises a rung: its provider is resolved, whether or not there is one of that name. */
export function buildRung(draft: RungDraft, isProvider: IsProvider): RungPolicy {
  return {
    model: draft.model,
    ...modelTarget(draft.model, draft.provider ?? '', isProvider),
    until: draft.until ?? null,
    reasoningEffort: draft.reasoning_effort ?? null,
    maxOutputTokens: draft.max_output_tokens ?? null,
    serviceTier: draft.service_tier ?? null,
  }
}

/** Normalises a provider. @param keyText - the key as written, before variables were filled in. */
export function buildProvider(
  name: string,
  draft: ProviderDraft,
  keyText: unknown,
  timeoutMs: number,
): ProviderPolicy {
  return {
    name,
    baseUrl: draft.base_url,
    apiKey: draft.key,
    apiKeyFrom: typeof keyText === 'string' && keyText.includes('${') ? keyText : null,
    prices: draft.prices,
    timeoutMs: draft.timeout ?? timeoutMs,
    limits: {
      requestsPerMinute: draft.limits.requests_per_minute ?? null,
      tokensPerMinute: draft.limits.tokens_per_minute ?? null,
    },
    profile: {
      unbilledStatus: draft.profile.unbilled_status,
      abortEndsBill: draft.profile.abort_ends_bill,
      inputMarginPercent: draft.profile.input_margin_percent,
    },
  }
}

/** Normalises a price: amounts stay text, as the price book reads them. */
export function buildPrice(draft: PriceDraft, isProvider: IsProvider): PriceOverride {
  const { provider, upstreamModel } = modelTarget(draft.model, draft.provider ?? '', isProvider)
  const long = draft.long_context
  return {
    model: upstreamModel,
    provider,
    effectiveFromMs: draft.from ?? 0,
    ...buildRates(draft),
    longContext: long ? { fromInputTokens: long.from_input_tokens, ...buildRates(long) } : null,
  }
}

const buildRates = (
  rates: Pick<PriceDraft, 'input' | 'cached_input' | 'cache_write' | 'output'>,
) => ({
  inputUsdPerMtok: rates.input,
  cachedInputUsdPerMtok: rates.cached_input ?? null,
  cacheWriteUsdPerMtok: rates.cache_write ?? null,
  outputUsdPerMtok: rates.output,
})
