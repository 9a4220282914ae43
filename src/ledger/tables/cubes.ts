import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { count, ms, nano } from '../columns.ts'

/**
 * What the drain adds up as it writes, in the same transaction, so that nobody needs to read the calls themselves:
 * the sums of any group of rows equal a full scan of `entries`, `requests` and adjustments. A dimension that is not known is ''.
 */

/**
 * What a row counts. `call`: calls of providers (`calls`, tokens, money; at the instant of their admission, as in their
 * budget windows), and the requests that such a call answered (`requests`, at their end). `adjustment`: money that was
 * corrected afterwards under a name, at the admission of the call. Every other: requests that ended like that.
 */
export const USAGE_KINDS = [
  'call',
  'cached',
  'joined',
  'refused',
  'expired',
  'cancelled',
  'failed',
  'adjustment',
] as const
export type UsageKind = (typeof USAGE_KINDS)[number]

const name = (column: string) => text(column).notNull()
const sum = (column: string) => count(column).notNull()
const money = (column: string) => nano(column).notNull()
const kind = () => text({ enum: USAGE_KINDS }).notNull()

/** What every cube adds up; each may be 0. */
const measures = () => ({
  /** Requests that ended. */
  requests: sum('requests'),
  /** Attempts; also those that failed or were given back. */
  calls: sum('calls'),
  /** Five disjoint buckets: together every token of the calls. */
  inputTokens: sum('input_tokens'),
  cachedInputTokens: sum('cached_input_tokens'),
  cacheWriteTokens: sum('cache_write_tokens'),
  outputTokens: sum('output_tokens'),
  reasoningTokens: sum('reasoning_tokens'),
  /** Booked, nano-USD; of an adjustment the change, which may be negative. */
  costNano: money('cost_nano'),
  /** The same at list price; a call whose usage is unknown counts with what is booked. */
  listNano: money('list_nano'),
  /** What answers (or parts of one) that were used again had cost at list price when they were paid. */
  savedNano: money('saved_nano'),
  /** Calls whose whole hold is booked because nobody knows the bill, and that part of `cost_nano`. */
  unconfirmedCalls: sum('unconfirmed_calls'),
  unconfirmedNano: money('unconfirmed_nano'),
  /** Calls that cost more than was held for them, and by how much; a part of `cost_nano`. */
  overrunCalls: sum('overrun_calls'),
  overrunNano: money('overrun_nano'),
  /** How long the calls took from sending to their last byte, and how many of them are in that sum. */
  durationMs: sum('duration_ms'),
  timedCalls: sum('timed_calls'),
})

/** Usage by the hour: curves, seasons, and the ends of a range that are no whole days. */
export const usageHourly = pgTable(
  'usage_hourly',
  {
    /** First instant of the hour, UTC ms. */
    hourMs: ms('hour_ms').notNull(),
    tenant: name('tenant'),
    tier: name('tier'),
    /** Of the rung that was called; of a request without a call what it asked for. */
    model: name('model'),
    operation: name('operation'),
    kind: kind(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_hourly_key',
      columns: [t.hourMs, t.tenant, t.tier, t.model, t.operation, t.kind],
    }),
  ],
)

/** What usage is asked by and few there are of. */
const companyDimensions = () => ({
  tier: name('tier'),
  /** Of the rung that was called; of a request without a call what it asked for. */
  model: name('model'),
  /** '' = no call was made. */
  provider: name('provider'),
  serviceTier: name('service_tier'),
  operation: name('operation'),
  urgency: name('urgency'),
  modelRequested: name('model_requested'),
  kind: kind(),
})

/** Everything that usage is asked by. */
const dimensions = () => ({
  tenant: name('tenant'),
  user: name('user_id'),
  /** Id of the API key that it came with; '' = none. */
  key: name('key_id'),
  ...companyDimensions(),
})

/** Usage by the UTC day. */
export const usageDaily = pgTable(
  'usage_daily',
  {
    /** First instant of the day, UTC ms. */
    dayMs: ms('day_ms').notNull(),
    ...dimensions(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_daily_key',
      columns: [
        ...([t.dayMs, t.tenant, t.user, t.tier, t.model, t.provider, t.key] as const),
        ...([t.serviceTier, t.operation, t.urgency, t.modelRequested, t.kind] as const),
      ],
    }),
  ],
)

/** Usage by the UTC month, with the dimensions of the day: what a year cost is some thousand rows. */
export const usageMonthly = pgTable(
  'usage_monthly',
  {
    /** First instant of the month, UTC ms. */
    monthMs: ms('month_ms').notNull(),
    ...dimensions(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_monthly_key',
      columns: [
        ...([t.monthMs, t.tenant, t.user, t.tier, t.model, t.provider, t.key] as const),
        ...([t.serviceTier, t.operation, t.urgency, t.modelRequested, t.kind] as const),
      ],
    }),
  ],
)

/**
 * Usage by the UTC day and one tag: what has several tags counts under each. Tags of Bursar's own (`bursar.*`: sessions, runs, the
 * key) are not here: they have as many values as there are calls, or a dimension.
 */
export const usageTags = pgTable(
  'usage_tags',
  {
    /** First instant of the day, UTC ms. */
    dayMs: ms('day_ms').notNull(),
    tag: name('tag'),
    value: name('value'),
    tenant: name('tenant'),
    model: name('model'),
    kind: kind(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_tags_key',
      columns: [t.dayMs, t.tag, t.value, t.tenant, t.model, t.kind],
    }),
  ],
)

/** The company by the hour: `usageHourly` without its tenants. */
export const usageCompanyHourly = pgTable(
  'usage_company_hourly',
  {
    /** First instant of the hour, UTC ms. */
    hourMs: ms('hour_ms').notNull(),
    tier: name('tier'),
    model: name('model'),
    operation: name('operation'),
    kind: kind(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_company_hourly_key',
      columns: [t.hourMs, t.tier, t.model, t.operation, t.kind],
    }),
  ],
)

/** The company by the UTC day: `usageDaily` without tenants, users and keys. */
export const usageCompanyDaily = pgTable(
  'usage_company_daily',
  {
    /** First instant of the day, UTC ms. */
    dayMs: ms('day_ms').notNull(),
    ...companyDimensions(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_company_daily_key',
      columns: [
        ...([t.dayMs, t.tier, t.model, t.provider, t.serviceTier] as const),
        ...([t.operation, t.urgency, t.modelRequested, t.kind] as const),
      ],
    }),
  ],
)

/** Each tenant by the UTC day, whoever asked for what. */
export const usageTenantsDaily = pgTable(
  'usage_tenants_daily',
  {
    /** First instant of the day, UTC ms. */
    dayMs: ms('day_ms').notNull(),
    tenant: name('tenant'),
    operation: name('operation'),
    kind: kind(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_tenants_daily_key',
      columns: [t.dayMs, t.tenant, t.operation, t.kind],
    }),
  ],
)

/** The same by the UTC month. */
export const usageTenantsMonthly = pgTable(
  'usage_tenants_monthly',
  {
    /** First instant of the month, UTC ms. */
    monthMs: ms('month_ms').notNull(),
    tenant: name('tenant'),
    operation: name('operation'),
    kind: kind(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_tenants_monthly_key',
      columns: [t.monthMs, t.tenant, t.operation, t.kind],
    }),
  ],
)

/** `usageTags` without its tenants. */
export const usageCompanyTags = pgTable(
  'usage_company_tags',
  {
    /** First instant of the day, UTC ms. */
    dayMs: ms('day_ms').notNull(),
    tag: name('tag'),
    value: name('value'),
    model: name('model'),
    kind: kind(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_company_tags_key',
      columns: [t.dayMs, t.tag, t.value, t.model, t.kind],
    }),
  ],
)

/** Each user by the UTC month. */
export const usageUsersMonthly = pgTable(
  'usage_users_monthly',
  {
    /** First instant of the month, UTC ms. */
    monthMs: ms('month_ms').notNull(),
    tenant: name('tenant'),
    user: name('user_id'),
    tier: name('tier'),
    operation: name('operation'),
    kind: kind(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_users_monthly_key',
      columns: [t.monthMs, t.tenant, t.user, t.tier, t.operation, t.kind],
    }),
  ],
)
