import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { ProviderPolicy } from '../config/policy-types.ts'
import type { DiscountPolicy, PriceOverride } from '../config/price-types.ts'
import {
  CATALOGUE_VERSION,
  type CatalogueEntry,
  catalogueEntry,
  catalogueProviderOf,
  type PriceSteps,
} from './catalogue.ts'
import { discountSpan } from './discounts.ts'
import { overrideSpan, overrideSteps, pessimisticSteps } from './overrides.ts'
import { type PriceTimeline, timelineAt } from './timeline.ts'
import type { ModelPrice, PriceBook, PriceSource } from './types.ts'

/** A price and the span of time, UTC ms, in which it holds. */
interface Quote {
  readonly price: ModelPrice | undefined
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
}

/** Everything known of one provider's prices. */
interface Shelf {
  readonly name: string
  /** undefined = not in the catalogue. */
  readonly catalogueId: string | undefined
  readonly fallback: PriceSteps | undefined
  /** model -> ascending by date */
  readonly overrides: ReadonlyMap<string, readonly PriceOverride[]>
  readonly discounts: readonly DiscountPolicy[]
  readonly quotes: LRUCache<string, Quote>
}

// Names come from requests: a caller who tries many must not grow the process.
const QUOTES_PER_PROVIDER = 1_000

const ZERO_STEPS: PriceSteps = [
  { fromInputTokens: 0, rates: { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 } },
]

/**
 * Makes the price book of a policy: overrides first, then zero prices, the catalogue, and last the
 * policy's price of unknown models. A look-up in a span already seen takes under a microsecond.
 * @param timeline - price lists that were imported; before the first, and without any, the one that came with Bursar holds.
 */
export function createPriceBook(source: PriceSource, timeline: PriceTimeline = []): PriceBook {
  const multipliers = { default: 100, ...source.multipliers }
  const shelves = new Map(
    Object.values(source.providers).map((provider) => [provider.name, shelfOf(source, provider)]),
  )
  const digest = digestOf(source, shelves)
  const bundled = `genai-prices@${CATALOGUE_VERSION}+${digest}`
  return {
    version: bundled,
    versionAt(atMs) {
      const { snapshot } = timelineAt(timeline, atMs)
      return snapshot ? `prices@${snapshot.number}+${digest}` : bundled
    },
    price(model, provider, atMs) {
      const shelf = shelves.get(provider)
      if (!shelf) return undefined
      const known = shelf.quotes.get(model)
      if (known && known.fromMs <= atMs && atMs < known.toMs) return known.price
      const name = plainName(model, provider)
      const { steps, ...span } = look(shelf, name, atMs, timeline)
      const discount = discountSpan(shelf.discounts, name, atMs)
      const price = steps && { model, provider, steps, multipliers, ...discount.taken }
      shelf.quotes.set(model, { price, ...narrower(span, discount) })
      return price
    },
  }
}

function shelfOf(
  source: PriceSource,
  provider: Pick<ProviderPolicy, 'name' | 'baseUrl' | 'prices'>,
): Shelf {
  const { unknownModels } = source
  const own = source.prices.filter((override) => override.provider === provider.name)
  const fallback = provider.prices === 'zero' ? ZERO_STEPS : unknownSteps(unknownModels)
  return {
    name: provider.name,
    catalogueId:
      provider.prices === 'zero' ? undefined : catalogueProviderOf(provider.name, provider.baseUrl),
    fallback,
    overrides: byModel(own.toSorted((a, b) => a.effectiveFromMs - b.effectiveFromMs)),
    discounts: (source.discounts ?? []).filter((one) => one.provider === provider.name),
    quotes: new LRUCache({ max: QUOTES_PER_PROVIDER }),
  }
}

function byModel(overrides: readonly PriceOverride[]): Map<string, PriceOverride[]> {
  const grouped = new Map<string, PriceOverride[]>()
  for (const override of overrides) {
    const group = grouped.get(override.model)
    if (group) group.push(override)
    else grouped.set(override.model, [override])
  }
  return grouped
}

const unknownSteps = (unknown: PriceSource['unknownModels']): PriceSteps | undefined =>
  typeof unknown === 'object' ? pessimisticSteps(unknown) : undefined

/** `local/small` and `small` are one model of the provider `local`. */
const plainName = (model: string, provider: string): string =>
  model.startsWith(`${provider}/`) ? model.slice(provider.length + 1) : model

type Span = Pick<Quote, 'fromMs' | 'toMs'>

function look(
  shelf: Shelf,
  model: string,
  atMs: number,
  timeline: PriceTimeline,
): Omit<CatalogueEntry, 'steps'> & { steps: PriceSteps | undefined } {
  const span = overrideSpan(shelf.overrides.get(model) ?? [], atMs)
  if (span.override) return { ...span, steps: overrideSteps(span.override) }
  const listed = timelineAt(timeline, atMs)
  const around = narrower(span, listed)
  const catalogue = listed.snapshot?.catalogue ?? null
  const entry =
    shelf.catalogueId === undefined
      ? undefined
      : catalogueEntry(shelf.catalogueId, model, atMs, catalogue)
  if (!entry) return { ...around, steps: shelf.fallback }
  return { steps: entry.steps, ...narrower(around, entry) }
}

/** Where both hold. */
const narrower = (a: Span, b: Span): Span => ({
  fromMs: Math.max(a.fromMs, b.fromMs),
  toMs: Math.min(a.toMs, b.toMs),
})

/** Two books with one digest and one list give every model one price at every instant. */
function digestOf(source: PriceSource, shelves: ReadonlyMap<string, Shelf>): string {
  const { discounts = [] } = source
  const parts = [
    source.prices,
    source.multipliers,
    source.unknownModels ?? 'refuse',
    [...shelves.values()]
      .map(({ name, catalogueId, fallback }) => [name, catalogueId ?? null, fallback ?? null])
      .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    ...(discounts.length > 0 ? [discounts] : []),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8)
}
