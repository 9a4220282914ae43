import { z } from 'zod'
import type { Draft } from './policy-draft.ts'
import type { Report } from './policy-errors.ts'
import type { ExportPolicy } from './policy-types.ts'

/**
 * Normalises what is exported; two of one name would write the same files, which is told to `report`.
 * @returns nothing when there is none, so that a policy without exports is stored as it always was.
 */
export function exportsOf(
  { exports, timezone }: Draft,
  report: Report,
): { readonly exports?: readonly ExportPolicy[] } {
  const sound = exports.flatMap((entry, at) => {
    if (!entry) return []
    const first = exports.findIndex((other) => other?.id === entry.id)
    if (first < at) {
      report(['exports', at, 'id'], `${entry.id} stands there twice; give each export its own id`)
    }
    const { id, name = null } = entry.billing_account
    return [
      {
        ...{ id: entry.id, folder: entry.folder, format: entry.format, per: entry.per },
        focusVersion: entry.focus_version,
        timezone: entry.timezone ?? timezone,
        billingAccount: { id, name },
      },
    ]
  })
  return sound.length === 0 ? {} : { exports: sound }
}

/** As the ledger keeps it. */
export const StoredExportSchema = z.object({
  ...{ id: z.string(), folder: z.string(), timezone: z.string() },
  format: z.enum(['csv', 'jsonl', 'focus']),
  focusVersion: z.enum(['1.2', '1.4']),
  per: z.enum(['day', 'month']),
  billingAccount: z.object({ id: z.string(), name: z.string().nullable() }),
})
