import { index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { ms, nano } from '../columns.ts'

/**
 * Price catalogues, numbered from 1. Each holds from its date to the next one's; of the same date, the highest number.
 * Append-only: what a call was priced at can be told for ever.
 */
export const priceSnapshots = pgTable('price_snapshots', {
  number: integer().primaryKey(),
  effectiveFromMs: ms('effective_from_ms').notNull(),
  /** SHA-256 of the canonical JSON, hex. */
  hash: text().notNull(),
  /** Where it came from, for people: `genai-prices@0.1.8`, a file's name, an address. */
  source: text().notNull(),
  models: integer().notNull(),
  body: jsonb().notNull(),
  importedBy: text('imported_by').notNull(),
  importedAtMs: ms('imported_at_ms').notNull(),
})

/** Why an amount was corrected after it was booked. */
export const ADJUSTMENT_REASONS = ['reprice'] as const

/**
 * Corrections of what calls cost that no budget feels: the posting, the entry and the counter stay as they were, and
 * reports add these. Append-only; `n` numbers those of one call from 1.
 */
export const adjustments = pgTable(
  'adjustments',
  {
    attempt: text().notNull(),
    n: integer().notNull(),
    reason: text({ enum: ADJUSTMENT_REASONS }).notNull(),
    /** What changes; either sign. */
    costNano: nano('cost_nano').notNull(),
    listNano: nano('list_nano').notNull(),
    /** The prices that say so. */
    priceVersion: text('price_version').notNull(),
    adjustedBy: text('adjusted_by').notNull(),
    adjustedAtMs: ms('adjusted_at_ms').notNull(),
    /** Of the call, as its entry has them. */
    admittedAtMs: ms('admitted_at_ms').notNull(),
    tenant: text(),
    userId: text('user_id'),
    tier: text(),
    tags: jsonb().$type<Readonly<Record<string, string>>>(),
    operation: text(),
    urgency: text(),
    modelRequested: text('model_requested'),
    model: text(),
    provider: text(),
    serviceTier: text('service_tier'),
  },
  (t) => [
    primaryKey({ columns: [t.attempt, t.n] }),
    index('adjustments_by_admission').on(t.admittedAtMs),
  ],
)
