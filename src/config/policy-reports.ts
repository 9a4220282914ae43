import { z } from 'zod'
import type { ReportPolicy } from './alert-types.ts'
import { type PolicyPath, type Report, suggest } from './policy-errors.ts'
import { name, text } from './policy-words.ts'

const TIME = 'write a time of day such as "09:00"'

/** A report that comes again and again. */
export const ReportSchema = z.strictObject({
  every: z.enum(['weekly', 'monthly'], { error: 'write weekly or monthly' }),
  at: z
    .string({ error: TIME })
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, TIME)
    .default('09:00'),
  /** By which tag the cost is told, too. */
  tag: name.default('feature'),
  /** Of one tenant alone. */
  tenant: text.optional(),
  to: z.array(name).min(1, 'name a channel').optional(),
})

/** As the ledger keeps it. */
export const StoredReportSchema: z.ZodType<ReportPolicy> = z.object({
  every: z.enum(['weekly', 'monthly']),
  ...{ at: z.string(), tag: z.string(), tenant: z.string().nullable(), to: z.array(z.string()) },
})

/**
 * Normalises the reports that the file asks for.
 * @param named - every channel of the file; `there` - those that have an address.
 */
export function buildReports(
  drafts: readonly z.infer<typeof ReportSchema>[],
  named: readonly string[],
  there: ReadonlySet<string>,
  report: Report,
): ReportPolicy[] {
  return drafts.map(({ tenant = null, to = named, ...draft }, at) => {
    const path: PolicyPath = ['alerts', 'reports', at, 'to']
    for (const [i, one] of to.entries()) {
      if (named.includes(one)) continue
      report([...path, i], `there is no channel "${one}"; ${suggest(one, named, 'channels')}`)
    }
    return { ...draft, tenant, to: to.filter((one) => there.has(one)) }
  })
}
