import { z } from 'zod'
import { type AuditedChange, listChanges } from '../../ledger/audit.ts'
import type { AdminCommand } from '../command.ts'

const ListSchema = z.strictObject({
  /** Name of a command, e.g. `budget-grant`. */
  action: z.string().trim().min(1).max(100).optional(),
  /** `operator`, `key <id>`, `file`. */
  by: z.string().trim().min(1).max(300).optional(),
  fromMs: z.int().min(0).optional(),
  toMs: z.int().min(0).optional(),
  /** Those before this one: the next page. */
  before: z.int().positive().optional(),
  limit: z.int().min(0).max(1_000).default(50),
})

const ChangeSchema = z.object({
  id: z.int(),
  /** ISO 8601. */
  at: z.string(),
  ...{ by: z.string(), action: z.string() },
  /** `unfinished` = it goes on, or was cut off: what of it happened is not known. */
  outcome: z.enum(['done', 'failed', 'unfinished']),
  /** What was asked and what was answered, without secrets. */
  input: z.unknown(),
  result: z.unknown(),
})
const AuditSchema = z.object({
  changes: z.array(ChangeSchema),
  /** `before` of the next page; null = there is none. */
  next: z.int().nullable(),
})
export type AuditView = Readonly<z.infer<typeof AuditSchema>>

/** Who changed what, newest first. Throws LEDGER_UNAVAILABLE. */
export const auditList: AdminCommand<z.infer<typeof ListSchema>, AuditView> = {
  name: 'audit-list',
  role: 'admin',
  summary: 'Who changed what, and when: every change that was made through these commands.',
  changes: false,
  input: ListSchema,
  output: AuditSchema,
  async run(place, wanted) {
    const found = await listChanges(await place.ledger(), wanted)
    const last = found.at(-1)
    return {
      changes: found.map(view),
      next: last && found.length === wanted.limit ? last.id : null,
    }
  },
}

const view = ({ id, atMs, by, action, outcome, input, result }: AuditedChange) => ({
  ...{ id, by, action, input, result },
  at: new Date(atMs).toISOString(),
  outcome: outcome ?? ('unfinished' as const),
})
