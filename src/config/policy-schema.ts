import { z } from 'zod'
import { PERIODS, WINDOW_PERIODS } from './periods.ts'
import { AlertsSchema } from './policy-alerts.ts'
import { CacheSchema } from './policy-cache.ts'
import { suggest } from './policy-errors.ts'
import { LedgerSchema } from './policy-ledger.ts'
import { duration, size } from './policy-measures.ts'
import { EXECUTES, FUND_MODES } from './policy-types.ts'
import { usdNano, usdText } from './policy-usd.ts'
import { modelName, name, text } from './policy-words.ts'
import { BudgetScopeSchema, LimitScopeSchema } from './scope-schema.ts'

/**
 * The shape of bursar.yaml. Single values are read here (money, durations, scopes); what needs more than one entry
 * (names that must exist, ladders, duplicates) is judged in policy-checks.ts. docs/policy.md lists every key.
 */
/** What tiers, providers and the cache bring along is called `tier.<name>`, `provider.<name>` and `cache.<name>`. */
const ownName = name.refine((id) => !/^(tier|provider|cache)\./.test(id), {
  error: 'names that begin with "tier.", "provider." or "cache." belong to those: choose another',
})
const count = (min: number, max: number) => z.int().min(min).max(max)
const tokens = count(1, 10_000_000)
const percent = (min: number, max: number) => z.int().min(min).max(max)

const zone = z
  .string()
  .refine(isTimezone, { error: ({ input }) => `is no IANA timezone; ${nearZone(String(input))}` })

const instant = z.string().transform((value, context) => {
  const ms = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(value) ? Date.parse(value) : Number.NaN
  if (!Number.isNaN(ms)) return ms
  context.addIssue({
    code: 'custom',
    message: `"${value}" is no date; write 2026-12-01 (midnight UTC) or 2026-12-01T09:30Z`,
  })
  return z.NEVER
})

const alertAt = z
  .array(percent(1, 1_000))
  .max(20)
  .transform((list) => [...new Set(list)].toSorted((a, b) => a - b))

const STARTS_ON = 'write the day of the month, 2 to 31, or for a year the month and day, e.g. 04-01'
const startsOn = z.union([count(1, 31), z.string().regex(/^\d\d-\d\d$/, STARTS_ON)], {
  error: STARTS_ON,
})
/** What goes together is judged in policy-funds.ts. */
const window = { usd: usdNano, per: z.enum(WINDOW_PERIODS), starts_on: startsOn.optional() }

/** Money: one window written short, or a list of them. */
const fund = (marks: readonly number[]) => ({
  usd: window.usd.optional(),
  per: window.per.optional(),
  starts_on: window.starts_on,
  windows: z
    .array(z.strictObject(window))
    .min(1, 'write a window: { usd: "5", per: day }')
    .optional(),
  timezone: zone.optional(),
  alert_at: alertAt.default([...marks]),
  mode: z.enum(FUND_MODES).default('enforce'),
})

export const IdentitySchema = z.strictObject({
  default_tenant: text.default('default'),
  default_tier: name.optional(),
  users: z.record(text, name).default({}),
})

export const DefaultsSchema = z.strictObject({
  max_output_tokens: tokens.default(4_096),
  min_output_tokens: tokens.default(256),
  execute: z.enum(EXECUTES).default('queue'),
  outage: z.enum(['refuse', 'allow']).default('refuse'),
  outage_allowance_usd: usdNano.default(1_000_000_000),
  outage_limits: z.enum(['closed', 'open']).default('closed'),
  durability: z.enum(['redis', 'journal']).default('redis'),
  attempts: count(1, 20).default(3),
  max_body_bytes: z
    .union([count(1_024, 1_073_741_824), size], { error: 'write bytes, or a size such as 1MiB' })
    .default(1_048_576),
  timeout: duration.default(600_000),
})

export const TierSchema = z.strictObject({
  requests: z
    .strictObject({
      limit: count(1, 1e9),
      per: z.enum(PERIODS),
      count_cached: z.boolean().default(true),
    })
    .optional(),
  budget: z.strictObject(fund([])).optional(),
  ladder: name,
  models: z.array(modelName).default([]),
  on_exhausted: z.enum(['park', 'refuse']).default('refuse'),
  weight: count(1, 1_000).default(1),
  execute: z.enum(EXECUTES).optional(),
})

export const BudgetSchema = z.strictObject({
  id: ownName,
  scope: BudgetScopeSchema,
  ...fund([50, 80, 95, 100]),
})

export const LimitSchema = z.strictObject({
  id: ownName,
  scope: LimitScopeSchema,
  resource: name.optional(),
  algorithm: z.enum(['sliding-window', 'token-bucket', 'fixed-window']).optional(),
  requests: count(1, 1e9).optional(),
  tokens: count(1, 1e12).optional(),
  input_tokens: count(1, 1e12).optional(),
  output_tokens: count(1, 1e12).optional(),
  concurrent: count(1, 1e6).optional(),
  per: z.enum(PERIODS).optional(),
  burst: count(1, 1e12).optional(),
  count_cached: z.boolean().optional(),
})

export const BypassSchema = z.strictObject({
  users: z.array(text).default([]),
  keys: z.array(text).default([]),
  tenants: z.array(text).default([]),
})

export const RungSchema = z.strictObject({
  model: modelName,
  provider: name.optional(),
  until: z.number().gt(0).max(100).optional(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).optional(),
  max_output_tokens: tokens.optional(),
  service_tier: z.enum(['default', 'flex', 'priority']).optional(),
})
export const LadderSchema = z.array(RungSchema).min(1, 'a ladder needs a rung: { model: ... }')

export const ProviderSchema = z.strictObject({
  base_url: z.url({
    protocol: /^https?$/,
    error: 'write an http(s) address, e.g. https://api.openai.com/v1',
  }),
  key: z.string().default(''),
  prices: z.enum(['book', 'zero']).default('book'),
  timeout: duration.optional(),
  limits: z
    .strictObject({
      requests_per_minute: count(1, 1e9).optional(),
      tokens_per_minute: count(1, 1e12).optional(),
    })
    .prefault({}),
  profile: z
    .strictObject({
      unbilled_status: z.array(count(400, 599)).default([400, 401, 403, 404, 409, 413, 422, 429]),
      abort_ends_bill: z.boolean().default(false),
      input_margin_percent: percent(0, 500).default(10),
    })
    .prefault({}),
})

const rates = {
  input: usdText,
  cached_input: usdText.optional(),
  cache_write: usdText.optional(),
  output: usdText,
}
export const PriceSchema = z.strictObject({
  model: modelName,
  provider: name.optional(),
  from: instant.optional(),
  ...rates,
  long_context: z.strictObject({ from_input_tokens: tokens, ...rates }).optional(),
})

export const MultipliersSchema = z.strictObject({
  // Not 0: no price is not zero.
  batch: percent(1, 1_000).default(50),
  flex: percent(1, 1_000).default(50),
  priority: percent(1, 1_000).default(200),
})

export const DiscountSchema = z.strictObject({
  provider: name.optional(),
  model: modelName.optional(),
  percent: z
    .number()
    .gt(0)
    .lt(100, 'write less than 100: no price is not zero')
    .refine((value) => Math.abs(value * 100 - Math.round(value * 100)) < 1e-6, {
      error: 'write at most two decimals, e.g. 12.5',
    }),
  from: instant.optional(),
  until: instant.optional(),
})

export const ExportSchema = z.strictObject({
  id: ownName,
  folder: text,
  format: z.enum(['csv', 'jsonl', 'focus']).default('focus'),
  focus_version: z.enum(['1.2', '1.4'], { error: 'write "1.2" or "1.4", quoted' }).default('1.4'),
  per: z.enum(['day', 'month']).default('day'),
  timezone: zone.optional(),
  billing_account: z.strictObject({ id: text, name: text.optional() }).default({ id: 'bursar' }),
})

export const UnknownModelsSchema = z.union(
  [z.literal('refuse'), z.strictObject({ input: usdText, output: usdText })],
  { error: 'write refuse, or a price for them: { input: "100", output: "500" }' },
)

/** The whole file. Unknown keys are refused everywhere. */
export const PolicyFileSchema = z.strictObject({
  version: z.literal(1, { error: 'write version: 1, the only one there is' }),
  timezone: zone.default('UTC'),
  identity: IdentitySchema.prefault({}),
  defaults: DefaultsSchema.prefault({}),
  tiers: z.record(name, TierSchema),
  budgets: z.array(BudgetSchema).default([]),
  limits: z.array(LimitSchema).default([]),
  bypass: BypassSchema.prefault({}),
  ladders: z.record(name, LadderSchema),
  providers: z.record(name, ProviderSchema),
  prices: z.array(PriceSchema).default([]),
  multipliers: MultipliersSchema.prefault({}),
  discounts: z.array(DiscountSchema).default([]),
  unknown_models: UnknownModelsSchema.default('refuse'),
  cache: CacheSchema.prefault({}),
  ledger: LedgerSchema.optional(),
  exports: z.array(ExportSchema).default([]),
  alerts: AlertsSchema.optional(),
})

function isTimezone(value: string): boolean {
  // Offsets such as +02:00 pass Intl in some versions of Node, and know no summer time.
  if (!/^[A-Za-z]/.test(value)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }) !== undefined
  } catch {
    return false
  }
}

function nearZone(value: string): string {
  const zones = Intl.supportedValuesOf('timeZone')
  const city = zones.find((known) => known.toLowerCase().endsWith(`/${value.toLowerCase()}`))
  return city ? `did you mean "${city}"?` : suggest(value, zones, 'such as')
}
