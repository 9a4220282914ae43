import type { Policy, ProviderPolicy, ServiceTier } from '../config/policy-types.ts'
import type { Nano } from '../money/nano.ts'

/** Integer pico-USD (1e-12 USD) per token: $1 per million tokens = 1,000,000. */
export type PicoPerToken = number

export interface Rates {
  readonly input: PicoPerToken
  readonly cachedInput: PicoPerToken
  readonly cacheWrite: PicoPerToken
  /** Visible and reasoning output alike. */
  readonly output: PicoPerToken
}

/** Price of one model at one instant. */
export interface ModelPrice {
  readonly model: string
  readonly provider: string
  /** Ascending by `fromInputTokens`, the first at 0. The whole call is priced at the last step reached. */
  readonly steps: readonly { readonly fromInputTokens: number; readonly rates: Rates }[]
  /** Percent of list price by service tier; `default` is 100. */
  readonly multipliers: Readonly<Record<ServiceTier | 'batch', number>>
  /** Taken off what is booked, percent with at most two decimals, by contract. List price and holds know nothing of it. */
  readonly discountPercent?: number
}

/** Disjoint: the five buckets add up to every token of the call. */
export interface Usage {
  /** Input neither read from nor written to the provider's cache. */
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteTokens: number
  /** Output without reasoning. */
  readonly outputTokens: number
  readonly reasoningTokens: number
}

export interface PriceBook {
  /** Without price lists that were imported, e.g. `genai-prices@0.1.8+1a2b3c4d`: names catalogue and overrides. */
  readonly version: string
  /** What prices of an instant go by, stored with each entry: `version`, or e.g. `prices@3+1a2b3c4d` of an imported list. */
  versionAt(atMs: number): string
  /** @returns undefined when nobody knows the price: the caller refuses (law 7). */
  price(model: string, provider: string, atMs: number): ModelPrice | undefined
}

/** What a call can cost at most, before the output cap is chosen: cost(n) = fixedNano + ceil(n * outputPico / 1000). */
export interface CostBound {
  readonly fixedNano: Nano
  readonly outputPico: PicoPerToken
}

/** The part of a policy that prices depend on. */
export interface PriceSource
  extends Pick<Policy, 'prices' | 'multipliers' | 'unknownModels' | 'discounts'> {
  /** name -> provider */
  readonly providers: Readonly<Record<string, Pick<ProviderPolicy, 'name' | 'baseUrl' | 'prices'>>>
}

/** `createPriceBook`, handed to what stands below pricing and must know whether a model has a price. */
export type PriceBookOf = (source: PriceSource) => PriceBook
