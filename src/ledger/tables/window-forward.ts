import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { count, nano } from '../columns.ts'

/**
 * What postings that retention dropped had added to budget windows: with the postings that are kept they add up to
 * `window_totals`, so that law 5 holds without them.
 */
export const windowForward = pgTable(
  'window_forward',
  {
    budget: text().notNull(),
    window: text('window_id').notNull(),
    spentNano: nano('spent_nano').notNull(),
    rows: count().notNull(),
  },
  (t) => [primaryKey({ columns: [t.budget, t.window] })],
)
