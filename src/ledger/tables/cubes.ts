import { index } from 'drizzle-orm/pg-core'
import { ms } from '../columns.ts'
import { cube } from './cube.ts'
import { companyDimensions, dimensions, kind, name } from './cube-columns.ts'

// The first instant of each, UTC ms.
const hour = () => ({ hourMs: ms('hour_ms').notNull() })
const day = () => ({ dayMs: ms('day_ms').notNull() })
const month = () => ({ monthMs: ms('month_ms').notNull() })

/** What a curve is drawn by. */
const curve = () => ({
  tier: name('tier'),
  /** Of the rung that was called; of a request without a call what it asked for. */
  model: name('model'),
  operation: name('operation'),
  kind: kind(),
})
/** Whatever was asked for. */
const anything = () => ({ operation: name('operation'), kind: kind() })

/** Every dimension, as rows lie in the index: whose they are comes first. */
const BY_OWNER = [
  'tenant',
  'user',
  'tier',
  'model',
  'provider',
  'key',
  'serviceTier',
  'operation',
  'urgency',
  'modelRequested',
  'kind',
] as const

/** Usage by the hour: curves, seasons, and the ends of a range that are no whole days. */
export const usageHourly = cube('usage_hourly', { ...hour(), tenant: name('tenant'), ...curve() })
/** Usage by the UTC day. */
export const usageDaily = cube('usage_daily', { ...day(), ...dimensions() }, ['dayMs', ...BY_OWNER])
/** Usage by the UTC month, with the dimensions of the day: what a year cost is some thousand rows. */
export const usageMonthly = cube('usage_monthly', { ...month(), ...dimensions() }, [
  'monthMs',
  ...BY_OWNER,
])

/** The company by the hour: `usageHourly` without its tenants. */
export const usageCompanyHourly = cube('usage_company_hourly', { ...hour(), ...curve() })
/** The company by the UTC day: `usageDaily` without tenants, users and keys. */
export const usageCompanyDaily = cube('usage_company_daily', { ...day(), ...companyDimensions() })
/** The same by the UTC month. */
export const usageCompanyMonthly = cube('usage_company_monthly', {
  ...month(),
  ...companyDimensions(),
})

const tenantDimensions = () => ({ tenant: name('tenant'), ...anything() })
/** Each tenant by the UTC day, whoever asked for what. */
export const usageTenantsDaily = cube('usage_tenants_daily', { ...day(), ...tenantDimensions() })
/** The same by the UTC month. */
export const usageTenantsMonthly = cube('usage_tenants_monthly', {
  ...month(),
  ...tenantDimensions(),
})

const userDimensions = () => ({
  tenant: name('tenant'),
  user: name('user_id'),
  tier: name('tier'),
  ...anything(),
})
/** Each user by the UTC day, whatever model served. */
export const usageUsersDaily = cube('usage_users_daily', { ...day(), ...userDimensions() })
/** The same by the UTC month. */
export const usageUsersMonthly = cube(
  'usage_users_monthly',
  { ...month(), ...userDimensions() },
  undefined,
  // Top users of a year: ranked by one reading of all months, then told by their names.
  (column) => [index('usage_users_monthly_user').on(column('user'), column('monthMs'))],
)

const keyDimensions = () => ({ key: name('key_id'), ...anything() })
/** Each API key by the UTC day. */
export const usageKeysDaily = cube('usage_keys_daily', { ...day(), ...keyDimensions() })
/** The same by the UTC month. */
export const usageKeysMonthly = cube('usage_keys_monthly', { ...month(), ...keyDimensions() })

/**
 * Usage by the UTC day and one tag: what has several tags counts under each. Tags of Bursar's own (`bursar.*`: sessions, runs, the
 * key) are not here: they have as many values as there are calls, or a dimension.
 */
export const usageTags = cube('usage_tags', {
  ...day(),
  tag: name('tag'),
  value: name('value'),
  tenant: name('tenant'),
  model: name('model'),
  kind: kind(),
})
/** The same without its tenants. */
export const usageCompanyTags = cube('usage_company_tags', {
  ...day(),
  tag: name('tag'),
  value: name('value'),
  model: name('model'),
  kind: kind(),
})
