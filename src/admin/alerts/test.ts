import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { rawMail } from '../../alerts/channels/files.ts'
import { slackMessage } from '../../alerts/channels/slack.ts'
import type { Outgoing } from '../../alerts/channels/types.ts'
import { alertsOf } from '../../alerts/routes.ts'
import { sampleNotice } from '../../alerts/sample.ts'
import { postNotice } from '../../alerts/tell.ts'
import { standalone } from '../../alerts/templates/standalone.ts'
import { SEVERITIES } from '../../config/alert-types.ts'
import type { Policy } from '../../config/policy-types.ts'
import { BursarError, isBursarError } from '../../errors.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'

const TestSchema = z.strictObject({
  severity: z.enum(SEVERITIES).default('high'),
  /** This one alone; absent = every channel. */
  channel: z.string().max(64).optional(),
})
type Wanted = z.infer<typeof TestSchema>

const TrialSchema = z.object({
  id: z.string(),
  subject: z.string(),
  text: z.string(),
  /** The e-mail as it travels, base64. */
  mail: z.string(),
  /** The same as a page for a browser. */
  page: z.string(),
  /** What Slack gets, JSON. */
  slack: z.string(),
  /** Where it goes; empty = the policy names no channel. */
  channels: z.array(z.string()),
})
export type Trial = Readonly<z.infer<typeof TrialSchema>>

/** Sends a message that means nothing through the channels, and shows it. Throws INVALID_ARGUMENT, LEDGER_UNAVAILABLE. */
export const alertsTest: AdminCommand<Wanted, Trial> = {
  name: 'alerts-test',
  role: 'admin',
  summary:
    'Sends a message that means nothing through every channel, and shows what it looks like.',
  input: TestSchema,
  output: TrialSchema,
  async run(place, wanted) {
    const policy = await policyOrNull(place)
    const channels = channelsFor(policy, wanted.channel)
    const message = await sampleMessage(wanted.severity)
    const { notice } = message
    const ledger = await place.ledger()
    if (channels.length > 0) {
      await ledger.transaction((tx) =>
        postNotice(tx, notice, null, { to: channels, dueAtMs: notice.atMs }),
      )
    }
    return trialOf(message, channels)
  },
}

/** A message that means nothing, written out. */
export async function sampleMessage(severity: Wanted['severity']): Promise<Outgoing> {
  const { render } = await import('../../alerts/templates/render.ts')
  const notice = sampleNotice(Date.now(), severity, randomUUID())
  return { notice, rendered: await render(notice) }
}

/** What is shown of it. */
export async function trialOf(message: Outgoing, channels: readonly string[]): Promise<Trial> {
  const { notice, rendered } = message
  const mail = await rawMail(message, 'Bursar <bursar@localhost>', ['you@localhost'])
  return {
    ...{ id: notice.id, subject: rendered.subject, text: rendered.text, channels: [...channels] },
    ...{ mail: mail.toString('base64'), page: standalone(rendered) },
    slack: JSON.stringify(slackMessage(message), null, 2),
  }
}

/** A ledger in which no policy ever was has no channels. */
async function policyOrNull(place: AdminPlace): Promise<Policy | null> {
  try {
    return await policyInForce(place)
  } catch (error) {
    if (isBursarError(error, 'POLICY_MISSING')) return null
    throw error
  }
}

function channelsFor(policy: Policy | null, only: string | undefined): string[] {
  const known = policy ? alertsOf(policy).channels.map(({ name }) => name) : []
  if (only === undefined) return known
  if (known.includes(only)) return [only]
  throw new BursarError(
    'INVALID_ARGUMENT',
    `the policy has no alert channel ${only}: ${known.length > 0 ? `name one of ${known.join(', ')}` : 'add one under alerts.channels'}`,
    { detail: { channel: only, known } },
  )
}
