import { pgTable, primaryKey } from 'drizzle-orm/pg-core'
import { ms } from '../columns.ts'
import { dimensions, kind, measures, name } from './cube-columns.ts'

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
