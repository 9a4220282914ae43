import { DIMENSIONS } from './measures.ts'

/** How much time a row of a cube adds up; hours, days and months of UTC. */
export type Grain = 'month' | 'day' | 'hour'

/** One table of sums: every row that counts is in it once, under its time and its dimensions. */
export interface Cube {
  readonly table: CubeTable
  readonly grain: Grain
  /** Columns of its primary key; the first is the time. */
  readonly key: readonly string[]
  /** The columns among them that say who and what; `kind` is always one. */
  readonly dimensions: readonly string[]
  /** Facts count once for each of their tags: `tag` and `value` are in the key. */
  readonly byTag: boolean
  /** Rows of a day of 15,000 calls of 500 tenants, measured: what a question reads. */
  readonly rowsADay: number
  /** The dimension by which an index finds its rows, beside its key; null = there is none. */
  readonly foundBy: string | null
  /** A finer cube that knows everything that this one adds up; null = the calls alone do. */
  readonly from: Cube | null
}

export type CubeTable =
  | 'usage_hourly'
  | 'usage_daily'
  | 'usage_monthly'
  | 'usage_tags'
  | 'usage_company_hourly'
  | 'usage_company_daily'
  | 'usage_company_monthly'
  | 'usage_tenants_daily'
  | 'usage_tenants_monthly'
  | 'usage_company_tags'
  | 'usage_users_daily'
  | 'usage_users_monthly'
  | 'usage_keys_daily'
  | 'usage_keys_monthly'

type Shape = Pick<Cube, 'grain' | 'dimensions' | 'rowsADay'> &
  Partial<Pick<Cube, 'byTag' | 'foundBy' | 'from'>>

const cube = (
  table: CubeTable,
  { byTag = false, foundBy = null, from = null, ...shape }: Shape,
): Cube => {
  const { grain, dimensions } = shape
  const key = [`${grain}_ms`, ...(byTag ? ['tag', 'value'] : []), ...dimensions]
  return { table, ...shape, key, byTag, foundBy, from }
}

/** Dimensions of which there are many values, and so many rows. */
const IN_NUMBERS: readonly string[] = ['tenant', 'user_id', 'key_id']
const OF_COMPANY = DIMENSIONS.filter((name) => !IN_NUMBERS.includes(name))
const OF_TENANTS = ['tenant', 'operation', 'kind']
const OF_USERS = ['tenant', 'user_id', 'tier', 'operation', 'kind']
const OF_KEYS = ['key_id', 'operation', 'kind']

export const HOURLY = cube('usage_hourly', {
  rowsADay: 10_200,
  grain: 'hour',
  dimensions: ['tenant', 'tier', 'model', 'operation', 'kind'],
})
export const DAILY = cube('usage_daily', { rowsADay: 6200, grain: 'day', dimensions: DIMENSIONS })
export const MONTHLY = cube('usage_monthly', {
  rowsADay: 1120,
  grain: 'month',
  dimensions: DIMENSIONS,
  from: DAILY,
})
export const TAGS = cube('usage_tags', {
  rowsADay: 4660,
  grain: 'day',
  dimensions: ['tenant', 'model', 'kind'],
  byTag: true,
})

/** The company by the hour: curves and forecasts of everybody. */
export const COMPANY_HOURLY = cube('usage_company_hourly', {
  rowsADay: 510,
  grain: 'hour',
  dimensions: ['tier', 'model', 'operation', 'kind'],
  from: HOURLY,
})
/** By all that is not one of many: a year is some ten thousand rows. */
export const COMPANY_DAILY = cube('usage_company_daily', {
  rowsADay: 71,
  grain: 'day',
  dimensions: OF_COMPANY,
  from: DAILY,
})
export const COMPANY_MONTHLY = cube('usage_company_monthly', {
  rowsADay: 3,
  grain: 'month',
  dimensions: OF_COMPANY,
  from: COMPANY_DAILY,
})
export const TENANTS_DAILY = cube('usage_tenants_daily', {
  rowsADay: 930,
  grain: 'day',
  dimensions: OF_TENANTS,
  from: DAILY,
})
export const TENANTS_MONTHLY = cube('usage_tenants_monthly', {
  rowsADay: 49,
  grain: 'month',
  dimensions: OF_TENANTS,
  from: TENANTS_DAILY,
})
export const COMPANY_TAGS = cube('usage_company_tags', {
  rowsADay: 45,
  grain: 'day',
  dimensions: ['model', 'kind'],
  byTag: true,
  from: TAGS,
})

/** Each user by the day: top users, and how many there were. */
export const USERS_DAILY = cube('usage_users_daily', {
  rowsADay: 4180,
  grain: 'day',
  dimensions: OF_USERS,
  from: DAILY,
})
export const USERS_MONTHLY = cube('usage_users_monthly', {
  rowsADay: 370,
  grain: 'month',
  dimensions: OF_USERS,
  foundBy: 'user_id',
  from: USERS_DAILY,
})

/** Each API key by the day. */
export const KEYS_DAILY = cube('usage_keys_daily', {
  rowsADay: 1670,
  grain: 'day',
  dimensions: OF_KEYS,
  from: DAILY,
})
export const KEYS_MONTHLY = cube('usage_keys_monthly', {
  rowsADay: 83,
  grain: 'month',
  dimensions: OF_KEYS,
  from: KEYS_DAILY,
})

/** In the order in which they are written: what a cube adds up stands before it. */
export const CUBES: readonly Cube[] = [
  ...[HOURLY, DAILY, MONTHLY, TAGS],
  ...[COMPANY_HOURLY, COMPANY_DAILY, COMPANY_MONTHLY, TENANTS_DAILY, TENANTS_MONTHLY, COMPANY_TAGS],
  ...[USERS_DAILY, USERS_MONTHLY, KEYS_DAILY, KEYS_MONTHLY],
]
