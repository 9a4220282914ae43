/** Columns of the cubes, spelt once for all statements about them. */

/** What every cube adds up. */
export const MEASURES = [
  'requests',
  'calls',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_nano',
  'list_nano',
  'saved_nano',
  'unconfirmed_calls',
  'unconfirmed_nano',
  'overrun_calls',
  'overrun_nano',
  'duration_ms',
  'timed_calls',
] as const

/** Everything that usage is asked by. */
export const DIMENSIONS = [
  'tenant',
  'user_id',
  'tier',
  'model',
  'provider',
  'key_id',
  'service_tier',
  'operation',
  'urgency',
  'model_requested',
  'kind',
] as const

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Start of the hour, day or month (UTC) of an instant, as SQL; `at` is a column of ours. */
const startOf = {
  hour: (at: string) => `${at} - mod(${at}, ${HOUR_MS})`,
  day: (at: string) => `${at} - mod(${at}, ${DAY_MS})`,
  month: (at: string) =>
    `(extract(epoch from date_trunc('month', to_timestamp(${at} / 1000) at time zone 'UTC')) * 1000)::bigint`,
}

export interface Cube {
  readonly table: 'usage_hourly' | 'usage_daily' | 'usage_monthly' | 'usage_tags'
  /** Its primary key and, of each column, where a fact has it. The first is the time. */
  readonly key: readonly (readonly [column: string, of: string])[]
  /** Facts count once for each of their tags. */
  readonly byTag: boolean
}

const same = (columns: readonly string[]) => columns.map((column) => [column, column] as const)

const HOURLY_DIMENSIONS = ['tenant', 'tier', 'model', 'operation', 'kind'] as const

export const HOURLY: Cube = {
  table: 'usage_hourly',
  key: [['hour_ms', startOf.hour('at_ms')], ...same(HOURLY_DIMENSIONS)],
  byTag: false,
}
export const DAILY: Cube = {
  table: 'usage_daily',
  key: [['day_ms', startOf.day('at_ms')], ...same(DIMENSIONS)],
  byTag: false,
}
export const MONTHLY: Cube = {
  table: 'usage_monthly',
  key: [['month_ms', startOf.month('at_ms')], ...same(DIMENSIONS)],
  byTag: false,
}
export const TAGS: Cube = {
  table: 'usage_tags',
  key: [
    ['day_ms', startOf.day('at_ms')],
    ['tag', 'tag.key'],
    ['value', 'tag.value'],
    ...same(['tenant', 'model', 'kind']),
  ],
  byTag: true,
}

/** In the order in which they are written. */
export const CUBES: readonly Cube[] = [HOURLY, DAILY, MONTHLY, TAGS]
