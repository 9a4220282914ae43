import { z } from 'zod'
import { type AlertPolicy, RULES, SEVERITIES, type SecretText } from './alert-types.ts'
import { StoredReportSchema } from './policy-reports.ts'

const text = z.string()
const texts = z.array(text)
const count = z.int().min(0)
const severities = z.array(z.enum(SEVERITIES))
const secret = z.object({ value: text, from: text })
const rule = z.object({
  enabled: z.boolean(),
  severity: z.enum(SEVERITIES).nullable(),
  above: z.number().nullable(),
})

/** Alerts as the ledger keeps them: without a secret. */
export const StoredAlertsSchema: z.ZodType<AlertPolicy> = z.object({
  rules: z.record(z.enum(RULES), rule),
  channels: z.array(
    z.discriminatedUnion('kind', [
      z.object({ name: text, kind: z.literal('email'), to: texts }),
      z.object({ name: text, kind: z.literal('slack'), hook: secret }),
      z.object({ name: text, kind: z.literal('webhook'), url: text, secrets: z.array(secret) }),
    ]),
  ),
  routes: z.array(
    z.object({
      to: texts,
      severities: severities.exactOptional(),
      rules: z.array(z.enum(RULES)).exactOptional(),
      ...{ budget: text.exactOptional(), tenant: text.exactOptional() },
    }),
  ),
  quiet: z.object({ from: text, to: text, timezone: text.nullable(), hold: severities }).nullable(),
  digests: z.array(
    z.object({ every: z.enum(['daily', 'weekly']), at: text, severities, to: texts }),
  ),
  reports: z.array(StoredReportSchema).exactOptional(),
  remindMs: count,
  escalation: z.object({ afterMs: count, severities, to: texts }).nullable(),
  dampMs: count,
  email: z.object({ smtp: secret.nullable(), from: text }),
})

/** Changes every secret of what the policy says of alerts. */
export function mapSecrets(
  alerts: AlertPolicy,
  change: (secret: SecretText) => SecretText,
): AlertPolicy {
  const { email } = alerts
  return {
    ...alerts,
    channels: alerts.channels.map((channel) => {
      if (channel.kind === 'slack') return { ...channel, hook: change(channel.hook) }
      if (channel.kind === 'webhook') return { ...channel, secrets: channel.secrets.map(change) }
      return channel
    }),
    email: { ...email, smtp: email.smtp && change(email.smtp) },
  }
}
