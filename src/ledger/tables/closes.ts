import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { count, ms, nano } from '../columns.ts'

export const CLOSE_PERIODS = ['day', 'month'] as const
export type ClosePeriod = (typeof CLOSE_PERIODS)[number]

/** Why a sealed period is worth something else by now. */
export const CLOSE_REASONS = ['late-settlement', 'confirmed', 'waived', 'reprice'] as const
export type CloseReason = (typeof CLOSE_REASONS)[number]

const sealed = {
  period: text({ enum: CLOSE_PERIODS }).notNull(),
  /** `2026-11-21` or `2026-11`, in the timezone's calendar. */
  window: text('window_id').notNull(),
  timezone: text().notNull(),
}

/** What finance signs is by these; '' = unknown. */
const by = {
  tenant: text().notNull(),
  tier: text().notNull(),
  model: text().notNull(),
}

/** Days and months whose totals are sealed. */
export const closes = pgTable(
  'closes',
  {
    ...sealed,
    startMs: ms('start_ms').notNull(),
    endMs: ms('end_ms').notNull(),
    /** By the database's clock. */
    sealedAtMs: ms('sealed_at_ms').notNull(),
    sealedBy: text('sealed_by').notNull(),
    /** Everything up to then is in the totals and the adjustments. */
    lookedAtMs: ms('looked_at_ms').notNull(),
  },
  (t) => [primaryKey({ columns: [t.period, t.window, t.timezone] })],
)

/** The totals of a sealed period. Never changed: what comes later is an adjustment. */
export const closeTotals = pgTable(
  'close_totals',
  {
    ...sealed,
    ...by,
    requests: count().notNull(),
    calls: count().notNull(),
    inputTokens: count('input_tokens').notNull(),
    cachedInputTokens: count('cached_input_tokens').notNull(),
    cacheWriteTokens: count('cache_write_tokens').notNull(),
    outputTokens: count('output_tokens').notNull(),
    reasoningTokens: count('reasoning_tokens').notNull(),
    costNano: nano('cost_nano').notNull(),
    listNano: nano('list_nano').notNull(),
    savedNano: nano('saved_nano').notNull(),
    /** The part of the cost that a late bill may still lower. */
    unconfirmedNano: nano('unconfirmed_nano').notNull(),
  },
  (t) => [
    primaryKey({
      name: 'close_totals_key',
      columns: [t.period, t.window, t.timezone, t.tenant, t.tier, t.model],
    }),
  ],
)

/** What a sealed period is worth more or less since; `n` numbers the looks that found something. */
export const closeAdjustments = pgTable(
  'close_adjustments',
  {
    ...sealed,
    n: integer().notNull(),
    ...by,
    reason: text({ enum: CLOSE_REASONS }).notNull(),
    /** What changes; either sign. */
    calls: count().notNull(),
    costNano: nano('cost_nano').notNull(),
    listNano: nano('list_nano').notNull(),
    adjustedAtMs: ms('adjusted_at_ms').notNull(),
  },
  (t) => [
    primaryKey({
      name: 'close_adjustments_key',
      columns: [t.period, t.window, t.timezone, t.n, t.tenant, t.tier, t.model, t.reason],
    }),
  ],
)
