import { index, pgTable, primaryKey } from 'drizzle-orm/pg-core'
import { ms } from '../columns.ts'
import { companyDimensions, kind, measures, name } from './cube-columns.ts'

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

/** The same by the UTC month. */
export const usageCompanyMonthly = pgTable(
  'usage_company_monthly',
  {
    /** First instant of the month, UTC ms. */
    monthMs: ms('month_ms').notNull(),
    ...companyDimensions(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_company_monthly_key',
      columns: [
        ...([t.monthMs, t.tier, t.model, t.provider, t.serviceTier] as const),
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

/** Each user by the UTC day, whatever model served. */
export const usageUsersDaily = pgTable(
  'usage_users_daily',
  {
    /** First instant of the day, UTC ms. */
    dayMs: ms('day_ms').notNull(),
    tenant: name('tenant'),
    user: name('user_id'),
    tier: name('tier'),
    operation: name('operation'),
    kind: kind(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_users_daily_key',
      columns: [t.dayMs, t.tenant, t.user, t.tier, t.operation, t.kind],
    }),
  ],
)

/** The same by the UTC month. */
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
    // Top users of a year: ranked by one reading of all months, then told by their names.
    index('usage_users_monthly_user').on(t.user, t.monthMs),
  ],
)

/** Each API key by the UTC day. */
export const usageKeysDaily = pgTable(
  'usage_keys_daily',
  {
    /** First instant of the day, UTC ms. */
    dayMs: ms('day_ms').notNull(),
    key: name('key_id'),
    operation: name('operation'),
    kind: kind(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_keys_daily_key',
      columns: [t.dayMs, t.key, t.operation, t.kind],
    }),
  ],
)

/** The same by the UTC month. */
export const usageKeysMonthly = pgTable(
  'usage_keys_monthly',
  {
    /** First instant of the month, UTC ms. */
    monthMs: ms('month_ms').notNull(),
    key: name('key_id'),
    operation: name('operation'),
    kind: kind(),
    ...measures(),
  },
  (t) => [
    primaryKey({
      name: 'usage_keys_monthly_key',
      columns: [t.monthMs, t.key, t.operation, t.kind],
    }),
  ],
)
