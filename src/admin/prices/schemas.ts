import { z } from 'zod'

const count = z.int().min(0)

/** A price list that was imported. */
export const SnapshotSchema = z.object({
  number: count,
  /** ISO 8601. */
  ...{ effectiveFrom: z.string(), importedAt: z.string() },
  ...{ source: z.string(), models: count, importedBy: z.string(), hash: z.string() },
  /** Whether calls are priced by it now. */
  inForce: z.boolean(),
})
export type SnapshotView = Readonly<z.infer<typeof SnapshotSchema>>

/** Pico-USD per token: 1,000,000 = 1 USD per million tokens. */
export const StepsSchema = z
  .array(
    z
      .object({
        fromInputTokens: count,
        rates: z.object({
          ...{ input: count, cachedInput: count, cacheWrite: count, output: count },
        }),
      })
      .readonly(),
  )
  .readonly()

export const ChangeSchema = z.object({
  ...{ provider: z.string(), model: z.string() },
  change: z.enum(['added', 'removed', 'changed']),
  /** As the lists write them. */
  ...{ before: z.string().nullable(), after: z.string().nullable() },
})

export const UsedChangeSchema = z.object({
  ...{ provider: z.string(), model: z.string(), calls: count },
  ...{ before: StepsSchema.nullable(), after: StepsSchema.nullable() },
})

export const DiffSchema = z.object({
  /** The list in force; 0 = the one that came with Bursar. */
  against: count,
  ...{ added: count, removed: count, changed: count },
  /** The first 1,000. */
  changes: z.array(ChangeSchema).readonly(),
  /** Of models that were called in the last 30 days. */
  inUse: z.array(UsedChangeSchema).readonly(),
})
export type PricesDiff = Readonly<z.infer<typeof DiffSchema>>

/** What to compare or import: a price list as JSON, or the one that came with the version that is asked. */
export const ListInput = z.union([
  z.strictObject({ bundled: z.literal(true) }),
  z.strictObject({ list: z.json(), source: z.string().min(1).max(300) }),
])
export type ListInput = z.infer<typeof ListInput>
