import { createHash } from 'node:crypto'
import { type MatchLogic, waitForUpdate } from '@pydantic/genai-prices'
import { z } from 'zod'
import { BursarError } from '../errors.ts'

const word = z.string().min(1).max(500)
const MatchSchema: z.ZodType<MatchLogic> = z.lazy(() =>
  z.union([
    z.object({ equals: word }),
    z.object({ starts_with: word }),
    z.object({ ends_with: word }),
    z.object({ contains: word }),
    z.object({ regex: word.refine(isRegex, 'is no regular expression') }),
    z.object({ and: z.array(MatchSchema).min(1) }),
    z.object({ or: z.array(MatchSchema).min(1) }),
  ]),
)

const rate = z.number().min(0)
const RatesSchema = z.record(
  z.string().regex(/^[a-z0-9_]+$/),
  z.union([
    rate,
    z.object({ base: rate, tiers: z.array(z.object({ start: z.int().min(0), price: rate })) }),
  ]),
)
const DatedSchema = z.object({
  constraint: z
    .union([
      z.object({ type: z.literal('start_date'), start_date: z.iso.date() }),
      z.object({ type: z.literal('time_of_date'), start_time: z.string(), end_time: z.string() }),
    ])
    .exactOptional(),
  prices: RatesSchema,
})

const ModelSchema = z.object({
  id: word,
  match: MatchSchema,
  prices: z.union([z.array(DatedSchema).min(1), RatesSchema]),
})
const ProviderSchema = z.object({
  id: word,
  name: z.string(),
  api_pattern: z.string(),
  fallback_model_providers: z.array(word).exactOptional(),
  models: z.array(ModelSchema),
})
export type CatalogueProvider = z.infer<typeof ProviderSchema>
export type CatalogueModel = z.infer<typeof ModelSchema>

const CatalogueSchema = z.array(ProviderSchema).min(1)
/** Everything that a price list says of models, in the form of genai-prices, without its prose. */
export type Catalogue = readonly CatalogueProvider[]

/**
 * Reads a price list: an array of providers in the form of genai-prices (`prices/data.json`), or an object whose
 * `providers` is one.
 * @throws {BursarError} INVALID_FILE naming what is wrong and where.
 */
export function readCatalogue(json: unknown): Catalogue {
  const list = z.object({ providers: z.array(z.unknown()) }).safeParse(json)
  const parsed = CatalogueSchema.safeParse(list.success ? list.data.providers : json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BursarError(
    'INVALID_FILE',
    `this is no price list: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? ''}; write one in the form of genai-prices, or { "prices": [...] } with the keys of prices: in bursar.yaml`,
  )
}

/** The price list that came with this version of Bursar. */
export async function bundledCatalogue(): Promise<Catalogue> {
  // Through JSON: the package keeps steps as objects of a class of its own.
  return readCatalogue(JSON.parse(JSON.stringify(await waitForUpdate())))
}

/** One hash for one content. */
export const hashOfCatalogue = (catalogue: Catalogue): string =>
  createHash('sha256')
    .update(JSON.stringify([...catalogue].toSorted((a, b) => (a.id < b.id ? -1 : 1))))
    .digest('hex')

export const countModels = (catalogue: Catalogue): number =>
  catalogue.reduce((count, { models }) => count + models.length, 0)

function isRegex(text: string): boolean {
  try {
    return new RegExp(text) !== undefined
  } catch {
    return false
  }
}
