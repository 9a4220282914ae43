import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { count, ms, nano } from '../columns.ts'

/** Months whose postings, entries and requests were dropped by retention. */
export const droppedMonths = pgTable('dropped_months', {
  /** `2026-11`, UTC; `2026-11.1` = what came to it after it was dropped once. */
  month: text().primaryKey(),
  droppedAtMs: ms('dropped_at_ms').notNull(),
})

/**
 * What the postings of a month had added to budget windows. It counts from when the month is in `dropped_months`: with the
 * postings that are kept it adds up to `window_totals`, so that law 5 holds without those that are gone. Windows of one
 * day or less have no row: nobody asks for their sum any more.
 */
export const windowForward = pgTable(
  'window_forward',
  {
    month: text().notNull(),
    budget: text().notNull(),
    window: text('window_id').notNull(),
    spentNano: nano('spent_nano').notNull(),
    rows: count().notNull(),
  },
  (t) => [primaryKey({ name: 'window_forward_key', columns: [t.month, t.budget, t.window] })],
)
