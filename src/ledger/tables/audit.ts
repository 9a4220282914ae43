import { bigint, index, jsonb, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { ms } from '../columns.ts'

/** `asked` stands before anything is changed; `done` or `failed` after it. A change without an end was cut off. */
export const AUDIT_STEPS = ['asked', 'done', 'failed'] as const
export type AuditStep = (typeof AUDIT_STEPS)[number]

/** Who changed what, when: one row as it is asked and one as it ends. Append-only: a trigger refuses anything else. */
export const audit = pgTable(
  'audit',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** The same for both rows of a change. */
    change: text().notNull(),
    step: text({ enum: AUDIT_STEPS }).notNull(),
    atMs: ms('at_ms').notNull(),
    by: text().notNull(),
    /** Name of the command. */
    action: text().notNull(),
    /** What was asked, what was answered, or the error: never a secret. */
    body: jsonb().notNull(),
  },
  (t) => [unique('audit_once').on(t.change, t.step), index('audit_by_time').on(t.atMs)],
)
