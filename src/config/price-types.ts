/** USD strings per million tokens, as the price page writes them. */
export interface PriceOverride {
  readonly model: string
  readonly provider: string
  /** First instant at which this price holds, UTC ms; 0 = always. */
  readonly effectiveFromMs: number
  readonly inputUsdPerMtok: string
  readonly cachedInputUsdPerMtok: string | null
  readonly cacheWriteUsdPerMtok: string | null
  readonly outputUsdPerMtok: string
  /** Rates from this many input tokens on; the whole call is priced at them. */
  readonly longContext: {
    readonly fromInputTokens: number
    readonly inputUsdPerMtok: string
    readonly cachedInputUsdPerMtok: string | null
    readonly cacheWriteUsdPerMtok: string | null
    readonly outputUsdPerMtok: string
  } | null
}

/** What a contract takes off the list price. */
export interface DiscountPolicy {
  readonly provider: string
  /** null = every model of the provider. */
  readonly model: string | null
  /** Of the list price, above 0 and below 100, at most two decimals. */
  readonly percent: number
  /** First instant at which it holds, UTC ms; 0 = always. */
  readonly fromMs: number
  /** First instant at which it holds no more; null = until it is taken out. */
  readonly untilMs: number | null
}

/** Priced at this when nobody knows better: dearer than any model that may turn up. */
export interface PessimisticPrice {
  readonly inputUsdPerMtok: string
  readonly outputUsdPerMtok: string
}
