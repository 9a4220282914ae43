import { z } from 'zod'
import { RULES, type RuleName, SEVERITIES } from './alert-types.ts'
import { duration } from './policy-measures.ts'
import { ReportSchema } from './policy-reports.ts'
import { name, text } from './policy-words.ts'

const severity = z.enum(SEVERITIES)
const severities = z.array(severity).min(1, `write one or more of ${SEVERITIES.join(', ')}`)

const TIME = 'write a time of day such as "09:00"'
const timeOfDay = z.string({ error: TIME }).regex(/^([01]\d|2[0-3]):[0-5]\d$/, TIME)

const percent = z.number().gt(0).max(1_000)
const multiple = z.number().gt(1).max(1_000)
const count = z.int().min(1).max(1_000_000_000)

interface Bound {
  readonly schema: z.ZodType<number>
  /** When the file says nothing of it. */
  readonly usual: number
  /** What to write. */
  readonly words: string
}
const PERCENT = 'a percentage such as 80'
const TIME_SPAN = 'a duration such as 5m'
const percentOf = (usual: number): Bound => ({ schema: percent, usual, words: PERCENT })
const timeOf = (usual: number): Bound => ({ schema: duration, usual, words: TIME_SPAN })

/** What a rule may reach, in the unit that a person would write; null = nothing to set. */
export const BOUNDS: Readonly<Record<RuleName, Bound | null>> = {
  'budget-threshold': null,
  'limit-near': percentOf(80),
  'projected-overrun': percentOf(100),
  'burn-rate': { schema: multiple, usual: 3, words: 'a multiple such as 3' },
  'unpriced-model': null,
  'price-change': null,
  overrun: null,
  'ledger-difference': null,
  'unconfirmed-old': timeOf(86_400_000),
  'hit-rate': null,
  'cached-latency': timeOf(100),
  'provider-errors': percentOf(20),
  'queue-age': timeOf(300_000),
  'redis-memory': percentOf(80),
  connections: percentOf(80),
  'delivery-failing': { schema: count, usual: 1, words: 'a number of messages such as 3' },
}

const RULE = 'write off, or a map such as { severity: high }'
/** Judged by `BOUNDS` when the policy is put together. */
export const AlertRuleSchema = z.union(
  [
    z.literal('off'),
    z.strictObject({
      severity: severity.optional(),
      above: z
        .union([z.number(), z.string()], { error: 'write a number or a duration' })
        .optional(),
    }),
  ],
  { error: RULE },
)

const EMAIL = 'write an address such as finance@example.com'
const address = z.email({ error: EMAIL }).max(254)
const CHANNEL = `write one of { email: [finance@example.com] }, { slack: \${SLACK_HOOK} }, { webhook: { url: https://..., secret: \${ALERT_SECRET} } }`

export const AlertChannelSchema = z
  .strictObject({
    email: z
      .union([address.transform((one) => [one]), z.array(address).min(1).max(50)], { error: EMAIL })
      .optional(),
    slack: z.string().optional(),
    webhook: z
      .strictObject({
        url: z.string(),
        /** Two while one replaces the other. */
        secret: z.union([z.string(), z.array(z.string()).min(1).max(2)]),
      })
      .optional(),
  })
  .refine((channel) => Object.values(channel).filter((one) => one !== undefined).length === 1, {
    error: CHANNEL,
  })

const to = z.array(name).min(1, 'name a channel')

export const AlertRouteSchema = z.strictObject({
  to,
  severity: severities.optional(),
  rules: z.array(z.enum(RULES)).min(1).optional(),
  budget: name.optional(),
  tenant: text.optional(),
})

export const QuietSchema = z.strictObject({
  from: timeOfDay,
  to: timeOfDay,
  timezone: text.optional(),
  /** Never what is high or critical. */
  hold: z.array(z.enum(['low', 'medium'])).default(['low', 'medium']),
})

export const DigestSchema = z.strictObject({
  every: z.enum(['daily', 'weekly']).default('daily'),
  at: timeOfDay.default('09:00'),
  severity: severities.default(['low']),
  to: to.optional(),
})

export const AlertsSchema = z.strictObject({
  rules: z
    .partialRecord(z.enum(RULES, { error: `write one of ${RULES.join(', ')}` }), AlertRuleSchema)
    .default({}),
  channels: z.record(name, AlertChannelSchema).default({}),
  routes: z.array(AlertRouteSchema).default([]),
  quiet_hours: QuietSchema.optional(),
  digest: DigestSchema.optional(),
  reports: z.array(ReportSchema).max(20).default([]),
  remind: duration.default(4 * 3_600_000),
  escalate: z
    .strictObject({ after: duration, severity: severities.default(['critical']), to })
    .optional(),
  damp: duration.default(600_000),
  email: z
    .strictObject({
      /** `smtp://user:password@host:587`; `smtps://` for TLS from the start. */
      smtp: z.string().default(''),
      from: z.string().min(3).max(320).default('Bursar <bursar@localhost>'),
    })
    .prefault({}),
})
export type AlertsDraft = z.infer<typeof AlertsSchema>
