import type { PessimisticPrice, PriceOverride } from '../config/price-types.ts'
import { parseUsd } from '../money/usd.ts'
import type { PriceSteps } from './catalogue.ts'
import type { PicoPerToken, Rates } from './types.ts'

type UsdRates = Pick<
  PriceOverride,
  'inputUsdPerMtok' | 'cachedInputUsdPerMtok' | 'cacheWriteUsdPerMtok' | 'outputUsdPerMtok'
>

/** What bursar.yaml says of one model's price around an instant. */
export interface OverrideSpan {
  /** null = nothing is in force yet: the catalogue's price holds. */
  readonly override: PriceOverride | null
  readonly fromMs: number
  /** Exclusive; Infinity = no later change is known. */
  readonly toMs: number
}

/**
 * Finds the override in force.
 * @param overrides - of one model at one provider, ascending by `effectiveFromMs`.
 * @param atMs - UTC ms.
 */
export function overrideSpan(overrides: readonly PriceOverride[], atMs: number): OverrideSpan {
  const next = overrides.findIndex((override) => override.effectiveFromMs > atMs)
  const current = overrides.at(next === -1 ? -1 : next - 1)
  const started = next === 0 ? undefined : current
  return {
    override: started ?? null,
    fromMs: started?.effectiveFromMs ?? Number.NEGATIVE_INFINITY,
    toMs: overrides[next]?.effectiveFromMs ?? Number.POSITIVE_INFINITY,
  }
}

/** Steps of an override: its base, and its long-context rates when it has them. */
export function overrideSteps(override: PriceOverride): PriceSteps {
  const base = { fromInputTokens: 0, rates: ratesOf(override) }
  const long = override.longContext
  return long === null
    ? [base]
    : [base, { fromInputTokens: long.fromInputTokens, rates: ratesOf(long) }]
}

/** One step for a model of which nothing else is known. */
export const pessimisticSteps = (price: PessimisticPrice): PriceSteps => [
  {
    fromInputTokens: 0,
    rates: ratesOf({ ...price, cachedInputUsdPerMtok: null, cacheWriteUsdPerMtok: null }),
  },
]

function ratesOf(usd: UsdRates): Rates {
  const input = picoOf(usd.inputUsdPerMtok)
  return {
    input,
    cachedInput: usd.cachedInputUsdPerMtok === null ? input : picoOf(usd.cachedInputUsdPerMtok),
    cacheWrite: usd.cacheWriteUsdPerMtok === null ? input : picoOf(usd.cacheWriteUsdPerMtok),
    output: picoOf(usd.outputUsdPerMtok),
  }
}

const NANO_PER_MTOK_PICO = 1_000

/** Below a pico per token (a micro-USD per million) the rate is rounded up: never to zero. */
const picoOf = (usdPerMtok: string): PicoPerToken =>
  Math.ceil(parseUsd(usdPerMtok) / NANO_PER_MTOK_PICO)
