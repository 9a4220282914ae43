import { calcPrice, findProvider } from '@pydantic/genai-prices'
import { z } from 'zod'
import type { Catalogue, CatalogueProvider } from './snapshot.ts'
import type { PicoPerToken, Rates } from './types.ts'

/** Of the installed package, which does not export it; a test holds both equal. */
export const CATALOGUE_VERSION = '0.1.8'

/** Long-context steps of one model, as in `ModelPrice`. */
export type PriceSteps = readonly { readonly fromInputTokens: number; readonly rates: Rates }[]

/** Prices at an instant, and the span around it in which they hold. */
export interface CatalogueEntry {
  readonly steps: PriceSteps
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
}

const usdPerMtok = z.number().min(0)
const RateSchema = z.union([
  usdPerMtok,
  z.object({
    base: usdPerMtok,
    tiers: z.array(z.object({ start: z.int().min(0), price: usdPerMtok })),
  }),
])
type CatalogueRate = z.infer<typeof RateSchema>

const optionalRate = RateSchema.optional()
const TokenRatesSchema = z.object({
  input_mtok: RateSchema,
  input_audio_mtok: optionalRate,
  input_image_mtok: optionalRate,
  cache_read_mtok: optionalRate,
  cache_audio_read_mtok: optionalRate,
  cache_image_read_mtok: optionalRate,
  cache_write_mtok: optionalRate,
  output_mtok: optionalRate,
  output_audio_mtok: optionalRate,
  output_image_mtok: optionalRate,
  /** A fee for each request has no place in token rates: such a model is unknown. */
  requests_kcount: z.undefined().optional(),
})
type TokenRates = z.infer<typeof TokenRatesSchema>

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/**
 * Finds the catalogue's name of a provider, by the address first.
 * @returns undefined when the catalogue knows neither the address nor the name.
 */
export function catalogueProviderOf(name: string, baseUrl: string): string | undefined {
  const byAddress = baseUrl === '' ? undefined : findProvider({ providerApiUrl: baseUrl })
  if (byAddress) return byAddress.id
  const byName = findProvider({ providerId: name })
  return byName?.id === name ? name : undefined
}

/**
 * Reads the catalogue's token prices of a model at an instant.
 * @param atMs - UTC ms.
 * @param catalogue - an imported one; null = the one that came with Bursar.
 * @returns undefined when it has none, or charges in something else than tokens.
 */
export function catalogueEntry(
  providerId: string,
  model: string,
  atMs: number,
  catalogue: Catalogue | null = null,
): CatalogueEntry | undefined {
  const found = catalogue
    ? findIn(catalogue, providerId, model, atMs)
    : calcPrice({}, model, { providerId, timestamp: new Date(atMs) })
  if (!found) return undefined
  const parsed = TokenRatesSchema.safeParse(found.model_price)
  if (!parsed.success) return undefined
  const { prices } = found.model
  // Start dates begin at midnight UTC and daily hours at whole minutes, so one span has one price.
  const byHour = Array.isArray(prices) && prices.some((p) => p.constraint?.type === 'time_of_date')
  const spanMs = byHour ? MINUTE_MS : DAY_MS
  const fromMs = Math.floor(atMs / spanMs) * spanMs
  return { steps: stepsOf(parsed.data), fromMs, toMs: fromMs + spanMs }
}

/** A reseller (Azure) also has, at their prices, the models of those whose it sells. */
function findIn(catalogue: Catalogue, providerId: string, model: string, atMs: number) {
  const own = catalogue.find(({ id }) => id === providerId)
  for (const id of [providerId, ...(own?.fallback_model_providers ?? [])]) {
    const provider = catalogue.find((one) => one.id === id)
    const found =
      provider && calcPrice({}, model, { ...priced(provider), timestamp: new Date(atMs) })
    if (found) return found
  }
  return undefined
}

/** Without the fallback, which the package would look up in its own list. */
function priced({ fallback_model_providers: _, ...provider }: CatalogueProvider) {
  return { provider }
}

function stepsOf(rates: TokenRates): PriceSteps {
  const starts = new Set([0])
  for (const rate of Object.values(rates)) {
    // The catalogue's `start` is the last count at the lower price.
    if (typeof rate === 'object') for (const tier of rate.tiers) starts.add(tier.start + 1)
  }
  return [...starts]
    .sort((a, b) => a - b)
    .map((fromInputTokens) => ({ fromInputTokens, rates: ratesAt(rates, fromInputTokens) }))
}

/** Usage has no buckets for sound and images: they are priced at the dearest rate that may apply. */
function ratesAt(rates: TokenRates, inputTokens: number): Rates {
  const dearest = (...list: readonly (CatalogueRate | undefined)[]): PicoPerToken | undefined => {
    const known = list.flatMap((rate) => (rate === undefined ? [] : [picoAt(rate, inputTokens)]))
    return known.length === 0 ? undefined : Math.max(...known)
  }
  const input = dearest(rates.input_mtok, rates.input_audio_mtok, rates.input_image_mtok) ?? 0
  return {
    input,
    cachedInput:
      dearest(rates.cache_read_mtok, rates.cache_audio_read_mtok, rates.cache_image_read_mtok) ??
      input,
    cacheWrite: dearest(rates.cache_write_mtok) ?? input,
    // No output rate (embeddings) is not zero: what should never appear costs at least its input.
    output: dearest(rates.output_mtok, rates.output_audio_mtok, rates.output_image_mtok) ?? input,
  }
}

function picoAt(rate: CatalogueRate, inputTokens: number): PicoPerToken {
  if (typeof rate === 'number') return picoOfUsdPerMtok(rate)
  const reached = rate.tiers.filter((tier) => inputTokens > tier.start)
  const highest = reached.sort((a, b) => a.start - b.start).at(-1)
  return picoOfUsdPerMtok(highest?.price ?? rate.base)
}

const PICO_PER_USD_PER_MTOK = 1_000_000

/** Once per model and span: a float such as 0.1 becomes the integer that was meant. */
function picoOfUsdPerMtok(usd: number): PicoPerToken {
  const pico = Math.round(usd * PICO_PER_USD_PER_MTOK)
  return pico === 0 && usd > 0 ? 1 : pico
}
