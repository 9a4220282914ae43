import { boolean, index, integer, pgTable, text } from 'drizzle-orm/pg-core'
import { ms, nano } from '../columns.ts'

/** What was granted on top of a budget window's limit: who, why, when. The slot is told of each again and again. */
export const credits = pgTable(
  'credits',
  {
    id: text().primaryKey(),
    budget: text().notNull(),
    window: text('window_id').notNull(),
    amountNano: nano('amount_nano').notNull(),
    /** First instant at which it counts no more; null = as long as its window. */
    untilMs: ms('until_ms'),
    /** The window as the policy of that version has it, for a slot where nobody has opened it. */
    policyVersion: integer('policy_version').notNull(),
    startMs: ms('start_ms').notNull(),
    endMs: ms('end_ms').notNull(),
    limitNano: nano('limit_nano').notNull(),
    marks: integer().array().notNull(),
    warnOnly: boolean('warn_only').notNull(),
    reason: text().notNull(),
    grantedBy: text('granted_by').notNull(),
    grantedAtMs: ms('granted_at_ms').notNull(),
    revokedBy: text('revoked_by'),
    revokedAtMs: ms('revoked_at_ms'),
    revokedReason: text('revoked_reason'),
  },
  (t) => [index('credits_by_end').on(t.endMs), index('credits_by_budget').on(t.budget)],
)
