import { z } from 'zod'
import { AlertsSchema } from './policy-alerts.ts'
import { CacheSchema } from './policy-cache.ts'
import type { Report } from './policy-errors.ts'
import { reportIssues } from './policy-issues.ts'
import { LedgerSchema } from './policy-ledger.ts'
import {
  BudgetSchema,
  BypassSchema,
  DefaultsSchema,
  DiscountSchema,
  ExportSchema,
  IdentitySchema,
  LimitSchema,
  MultipliersSchema,
  PolicyFileSchema,
  PriceSchema,
  ProviderSchema,
  RungSchema,
  TierSchema,
  UnknownModelsSchema,
} from './policy-schema.ts'

const orNothing = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined)
const entries = <T extends z.ZodType>(schema: T) =>
  z.record(z.string(), orNothing(schema)).catch({})
const items = <T extends z.ZodType>(schema: T) => z.array(orNothing(schema)).catch([])

/**
 * The file with its wrong entries left out, each in its place, so that one mistake hides no other.
 * Never used as a policy: whatever is left out was reported.
 */
const DraftSchema = z.object({
  timezone: PolicyFileSchema.shape.timezone.catch('UTC'),
  identity: IdentitySchema.prefault({}).catch(IdentitySchema.parse({})),
  defaults: DefaultsSchema.prefault({}).catch(DefaultsSchema.parse({})),
  tiers: entries(TierSchema),
  budgets: items(BudgetSchema),
  limits: items(LimitSchema),
  bypass: BypassSchema.prefault({}).catch(BypassSchema.parse({})),
  ladders: entries(items(RungSchema)),
  providers: entries(ProviderSchema),
  prices: items(PriceSchema),
  multipliers: MultipliersSchema.prefault({}).catch(MultipliersSchema.parse({})),
  discounts: items(DiscountSchema),
  unknown_models: UnknownModelsSchema.catch('refuse'),
  cache: CacheSchema.prefault({}).catch(CacheSchema.parse({})),
  ledger: LedgerSchema.optional().catch(undefined),
  exports: items(ExportSchema),
  alerts: AlertsSchema.optional().catch(undefined),
})
/** The sound entries of a file; undefined stands for a wrong one. */
export type Draft = z.infer<typeof DraftSchema>

/** Judges each entry of the file alone; what is wrong is reported and missing in the draft. */
export function readDraft(value: unknown, report: Report): Draft {
  const file = value ?? {}
  const judged = PolicyFileSchema.safeParse(file)
  if (!judged.success) reportIssues(judged.error.issues, file, report)
  const draft = DraftSchema.safeParse(file)
  return draft.success ? draft.data : DraftSchema.parse({})
}
