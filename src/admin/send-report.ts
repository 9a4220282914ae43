import { z } from 'zod'
import { gatherReport } from '../alerts/reports/gather.ts'
import { reportNotice } from '../alerts/reports/post.ts'
import { alertsOf, channelsOf } from '../alerts/routes.ts'
import { postNotice } from '../alerts/tell.ts'
import { BursarError } from '../errors.ts'
import { newJobId } from '../queue/ids.ts'
import { policyInForce } from './budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace } from './command.ts'

const name = z.string().trim().min(1).max(200)

const WantedSchema = z.strictObject({
  every: z.enum(['weekly', 'monthly']).default('weekly'),
  /** By whose values the cost is told, too. */
  tag: name.default('feature'),
  /** Of one tenant alone. */
  tenant: name.optional(),
  /** Names of channels; absent = only shown. */
  to: z.array(name).max(50).default([]),
})
const WrittenSchema = z.object({
  /** Of the message. */
  id: z.string(),
  subject: z.string(),
  text: z.string(),
  /** Where it goes. */
  channels: z.array(z.string()),
})
export type WrittenReport = Readonly<z.infer<typeof WrittenSchema>>

/**
 * Makes the report of the last week or month now, and hands it to channels. Throws INVALID_ARGUMENT for a channel that the
 * policy does not have, POLICY_MISSING, LEDGER_UNAVAILABLE, STORE_UNAVAILABLE.
 */
export const sendReport: AdminCommand<z.infer<typeof WantedSchema>, WrittenReport> = {
  name: 'send-report',
  role: 'finance',
  summary: 'Makes the report of the last week or month, and sends it where channels lead.',
  changes: ({ to }) => to.length > 0,
  input: WantedSchema,
  output: WrittenSchema,
  async run(place, { every, tag, tenant = null, to }) {
    const policy = await policyInForce(place)
    const known = channelsOf(alertsOf(policy)).map((channel) => channel.name)
    const strange = to.find((one) => !known.includes(one))
    if (strange !== undefined) throw noChannel(strange, known)
    const ledger = await place.ledger()
    const nowMs = Date.now()
    const at = { ledger, policy, slot: await slotOf(place), nowMs }
    const facts = await gatherReport(at, { every, tag, tenant })
    const made = reportNotice(facts, { every, tag, tenant, to }, at)
    // One that was asked for is another message than the one that comes by itself.
    const notice = { ...made, id: `report-${newJobId().toLowerCase()}` }
    if (to.length > 0) {
      await ledger.transaction((tx) => postNotice(tx, notice, null, { to, dueAtMs: nowMs }))
    }
    const { render } = await import('../alerts/templates/render.ts')
    const { subject, text } = await render(notice)
    return { id: notice.id, subject, text, channels: to }
  },
}

/** Names of all windows at once, as the slot of a process has them. */
async function slotOf(place: AdminPlace) {
  const slot = await place.slot()
  return {
    peek: slot.peek.bind(slot),
    async windows(): Promise<readonly string[]> {
      const keys: string[] = []
      for await (const page of slot.windows(await slot.now())) keys.push(...page)
      return keys
    },
  }
}

const noChannel = (channel: string, known: readonly string[]): BursarError =>
  new BursarError(
    'INVALID_ARGUMENT',
    `the policy has no alert channel ${channel}: name one of ${known.join(', ')}`,
    { detail: { channel, known } },
  )
