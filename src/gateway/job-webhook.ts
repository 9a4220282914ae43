import { endpointFor } from '../alerts/job-ends/deliver.ts'
import { BursarError } from '../errors.ts'
import { dropWebhook, wantWebhook } from '../ledger/job-webhooks.ts'
import { newJobId } from '../queue/ids.ts'
import type { GatewayRuntime } from './parts.ts'

/** A job whose end somebody is to be told of. */
interface Wanted {
  readonly job: string
  /** A channel of the policy; null = nobody is told. */
  readonly webhook: string | null
  /** undefined = the policy's default one. */
  readonly tenant: string | undefined
}

/**
 * Hands a job in, after it was put on record who is to be told of its end: no crash between the two is silent.
 * @throws {BursarError} INVALID_REQUEST when the policy has no such channel for the tenant; LEDGER_UNAVAILABLE; and what
 * `handIn` throws, of which nobody is told then.
 */
export async function withWebhook<T>(
  { job, webhook, tenant }: Wanted,
  { rules, ledger }: Pick<GatewayRuntime, 'rules' | 'ledger'>,
  handIn: () => Promise<T>,
): Promise<T> {
  if (webhook === null) return handIn()
  const { policy } = rules.current()
  const whose = tenant ?? policy.identity.defaultTenant
  if (endpointFor(policy, webhook, whose) === null) throw noEndpoint(webhook)
  const id = `msg_${newJobId()}`
  await wantWebhook(ledger, { id, job, endpoint: webhook }, Date.now())
  try {
    return await handIn()
  } catch (error) {
    // One that cannot be taken back waits for an end that never comes, and is forgotten.
    await dropWebhook(ledger, id).catch(() => {})
    throw error
  }
}

const noEndpoint = (webhook: string): BursarError =>
  new BursarError(
    'INVALID_REQUEST',
    `the policy has no webhook channel '${webhook}' for you: name one of alerts.channels, or have it added`,
    { detail: { webhook } },
  )
