import { z } from 'zod'
import type { WarmingPolicy } from './cache-types.ts'
import { PERIODS } from './periods.ts'
import type { BudgetPolicy } from './policy-types.ts'
import { usdNano } from './policy-usd.ts'

/** Calls that keep answers warm, and what they may cost. */
export const WarmingSchema = z.strictObject({
  enabled: z.boolean().default(false),
  usd: usdNano.default(1_000_000_000),
  per: z.enum(PERIODS).default('day'),
  top: z.int().min(1).max(1_000).default(20),
})
type Draft = z.infer<typeof WarmingSchema>

/** Normalises it. */
export const buildWarming = ({ enabled, usd, per, top }: Draft): WarmingPolicy => ({
  enabled,
  ...{ limitNano: usd, per, top },
})

const count = z.int().min(0)

/** As the ledger keeps it. */
export const StoredWarmingSchema = z.object({
  enabled: z.boolean(),
  limitNano: count,
  per: z.enum(PERIODS),
  top: count,
})

/** The one budget that warming alone is charged to, beside those of the company and the tenant. */
export const WARMING_BUDGET = 'cache.warming'
/** Written by Bursar on the calls that keep answers warm, and by nobody else. */
export const WARMING_TAG = 'bursar.warming'
export const WARMING = 'yes'

/** Whether nobody waits for it: it is charged to no user, and no limit of users governs it. */
export const isWarming = ({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean =>
  tags[WARMING_TAG] === WARMING

/** It is there whether prompts are learned or not: an operator may warm, too. */
export const warmingBudget = ({ usd, per }: Draft, timezone: string): BudgetPolicy => ({
  id: WARMING_BUDGET,
  scope: { kind: 'tag', key: WARMING_TAG, of: { value: WARMING } },
  windows: [{ per, limitNano: usd }],
  timezone,
  alertAt: [80, 100],
})
