import { z } from 'zod'
import { BursarError } from '../errors.ts'
import { parseUsd } from '../money/usd.ts'
import type { Catalogue, CatalogueModel } from './snapshot.ts'

const usd = z.string().refine(isUsd, 'write USD per million tokens as text, e.g. "1.80"')
const rates = {
  input: usd,
  cached_input: usd.optional(),
  cache_write: usd.optional(),
  output: usd.optional(),
}
const OwnPriceSchema = z.strictObject({
  model: z.string().min(1).max(200),
  /** As the price list names it, e.g. openai, azure, anthropic. */
  provider: z.string().min(1).max(100).default('openai'),
  ...rates,
  long_context: z.strictObject({ above_input_tokens: z.int().min(0), ...rates }).optional(),
})
type OwnPrice = z.infer<typeof OwnPriceSchema>
const OwnListSchema = z.strictObject({ prices: z.array(OwnPriceSchema).min(1).max(10_000) })

/** Whether a file is a list of our own, and no whole catalogue. */
export const isOwnList = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && 'prices' in json

/**
 * Lays prices of one's own over a price list: the models that are named are replaced or added, all others stay.
 * @throws {BursarError} INVALID_FILE naming what is wrong and where.
 */
export function overlayPrices(base: Catalogue, json: unknown): Catalogue {
  const parsed = OwnListSchema.safeParse(json)
  if (!parsed.success) {
    throw new BursarError('INVALID_FILE', `prices: ${z.prettifyError(parsed.error)}`)
  }
  const { prices } = parsed.data
  const known = new Set(base.map(({ id }) => id))
  const unknown = prices.find(({ provider }) => !known.has(provider))
  if (unknown) {
    throw new BursarError(
      'INVALID_FILE',
      `the price list has no provider ${unknown.provider}: prices of your own provider stand in bursar.yaml, under prices`,
    )
  }
  return base.map((provider) => {
    const own = prices.filter((price) => price.provider === provider.id).map(modelOf)
    const names = new Set(own.map(({ id }) => id))
    // First: the first model that matches a name has its price.
    return { ...provider, models: [...own, ...provider.models.filter(({ id }) => !names.has(id))] }
  })
}

function modelOf({ model, long_context: long, ...price }: OwnPrice): CatalogueModel {
  const at = (base: string | undefined, above: string | undefined) => {
    const rate = Number(base ?? price.input)
    if (!long) return rate
    const dear = Number(above ?? long.input)
    return { base: rate, tiers: [{ start: long.above_input_tokens, price: dear }] }
  }
  return {
    id: model,
    match: { equals: model },
    prices: {
      input_mtok: at(price.input, long?.input),
      cache_read_mtok: at(price.cached_input, long?.cached_input),
      cache_write_mtok: at(price.cache_write, long?.cache_write),
      ...(price.output === undefined ? {} : { output_mtok: at(price.output, long?.output) }),
    },
  }
}

function isUsd(text: string): boolean {
  try {
    return parseUsd(text) >= 0
  } catch {
    return false
  }
}
