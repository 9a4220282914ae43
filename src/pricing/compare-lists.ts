import type { Catalogue, CatalogueModel } from './snapshot.ts'

/** One model whose prices two lists do not have alike. */
export interface PriceChange {
  readonly provider: string
  readonly model: string
  readonly change: 'added' | 'removed' | 'changed'
  /** As the lists write them, JSON; null = it is not there. */
  readonly before: string | null
  readonly after: string | null
}

/** What differs between two price lists, by provider and model. Empty = every model costs the same. */
export function comparePriceLists(before: Catalogue, after: Catalogue): readonly PriceChange[] {
  const [was, is] = [pricesOf(before), pricesOf(after)]
  const keys = [...new Set([...was.keys(), ...is.keys()])].toSorted()
  return keys.flatMap((key): PriceChange[] => {
    const [from, to] = [was.get(key), is.get(key)]
    if (from?.prices === to?.prices) return []
    const change = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed'
    const { provider = '', model = '' } = to ?? from ?? {}
    return [{ provider, model, change, before: from?.prices ?? null, after: to?.prices ?? null }]
  })
}

function pricesOf(catalogue: Catalogue) {
  const models = new Map<string, { provider: string; model: string; prices: string }>()
  for (const { id: provider, models: listed } of catalogue) {
    for (const model of listed) {
      const prices = written(model)
      models.set(JSON.stringify([provider, model.id]), { provider, model: model.id, prices })
    }
  }
  return models
}

/** In one order, and with the names that it matches: what another name costs is a price, too. */
const written = ({ match, prices }: CatalogueModel): string =>
  JSON.stringify(sorted({ match, prices }))

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}
