import { signMessage } from '../../access/webhook-signature.ts'
import type { ChannelPolicy } from '../../config/alert-types.ts'
import type { Policy } from '../../config/policy-types.ts'
import {
  type DueWebhook,
  type EndedJob,
  endTry,
  takeDue,
  writeDue,
} from '../../ledger/job-webhooks.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { judgeStatus, unanswered } from '../channels/types.ts'
import { pauseAfter } from '../delivery/backoff.ts'

const PAGE = 200
const AT_ONCE = 20
const SEND_LIMIT_MS = 20_000
/** Longer than a try takes: who has not ended by then is dead. */
const LEASE_MS = 60_000
/** A deferrable job may wait for the next month's budget. */
const FORGET_MS = 90 * 86_400_000

type Endpoint = Extract<ChannelPolicy, { kind: 'webhook' }>

/**
 * The endpoint of that name which a tenant's jobs may tell: a channel of the policy. One that routes keep for tenants is
 * theirs alone.
 * @returns null when there is none for them.
 */
export function endpointFor(
  { alerts }: Pick<Policy, 'alerts'>,
  name: string,
  tenant: string | null,
): Endpoint | null {
  const found = alerts?.channels.find((channel) => channel.name === name)
  if (found?.kind !== 'webhook') return null
  const routes = alerts?.routes.filter(({ to }) => to.includes(name)) ?? []
  const owners = routes.flatMap((route) => (route.tenant === undefined ? [] : [route.tenant]))
  if (tenant === null || owners.length === 0 || owners.includes(tenant)) return found
  return null
}

/** Where webhooks are delivered from. */
export interface JobEndParts {
  readonly ledger: Ledger
  readonly policy: Pick<Policy, 'alerts'>
  /** UTC ms. */
  readonly now: () => number
  readonly sendLimitMs?: number
}

/** What a look at the webhooks did. */
export interface Told {
  readonly delivered: number
  readonly failed: number
}

/**
 * Tells endpoints of jobs that have ended: what is due now, each once among all processes, and again with pauses until it
 * is accepted or given up after some eight hours.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function tellJobEnds(parts: JobEndParts): Promise<Told> {
  const { ledger, now } = parts
  await writeDue(ledger, bodyOf, { nowMs: now(), limit: PAGE, forgetMs: FORGET_MS })
  const told = { delivered: 0, failed: 0 }
  for (;;) {
    const due = await takeDue(ledger, { nowMs: now(), leaseMs: LEASE_MS, limit: AT_ONCE })
    const results = await Promise.all(due.map((one) => tellOnce(one, parts)))
    for (const isDelivered of results) told[isDelivered ? 'delivered' : 'failed'] += 1
    if (due.length < AT_ONCE) return told
  }
}

/** What a receiver reads; docs/api.md describes it. The answer itself is asked for at `url`. */
function bodyOf({ job: id, outcome, reason, tenant, user, endedAtMs }: EndedJob): string {
  return JSON.stringify({
    type: 'job.ended',
    timestamp: new Date(endedAtMs).toISOString(),
    data: { id, outcome, reason, tenant, user, url: `/v1/jobs/${id}` },
  })
}

async function tellOnce(due: DueWebhook, parts: JobEndParts): Promise<boolean> {
  const { ledger, policy, now } = parts
  const atMs = now()
  const endpoint = endpointFor(policy, due.endpoint, null)
  const sent = endpoint ? await send(endpoint, due, parts) : GONE
  const { error } = sent
  const pauseMs = sent.forGood ? null : pauseAfter(due.tries, sent.retryAfterMs)
  const again = error === null || pauseMs === null ? null : now() + pauseMs
  const one = { atMs, tookMs: Math.round(now() - atMs), status: sent.status, error }
  await endTry(ledger, due, one, again)
  return error === null
}

interface Sent {
  readonly status: number | null
  readonly error: string | null
  readonly forGood: boolean
  readonly retryAfterMs?: number | undefined
}

const GONE: Sent = { status: null, error: 'NO_SUCH_CHANNEL', forGood: false }

/** Redirects are not followed: the policy alone says where a message goes. */
async function send(
  { url, secrets }: Endpoint,
  { id, body }: DueWebhook,
  { sendLimitMs = SEND_LIMIT_MS }: JobEndParts,
): Promise<Sent> {
  const known = secrets.map(({ value }) => value).filter((value) => value !== '')
  // The receiver's clock is real, whatever ours is.
  const signed = signMessage({ id, body }, known, Date.now())
  try {
    const reply = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'bursar', ...signed },
      ...{ body, redirect: 'manual', signal: AbortSignal.timeout(sendLimitMs) },
    })
    await reply.body?.cancel()
    if (reply.ok) return { status: reply.status, error: null, forGood: true }
    return {
      status: reply.status,
      ...refusedBy(judgeStatus(reply.status, reply.headers.get('retry-after'))),
    }
  } catch (error) {
    return { status: null, ...refusedBy(unanswered(error)) }
  }
}

type Judged = ReturnType<typeof unanswered>

function refusedBy(judged: Judged): Omit<Sent, 'status'> {
  if (judged.outcome === 'accepted') return { error: null, forGood: true }
  const { error, forGood, retryAfterMs } = judged
  return { error, forGood, retryAfterMs }
}
