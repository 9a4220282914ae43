import { hash } from 'node:crypto'
import { eq } from 'drizzle-orm'
import type { AlertPolicy, ChannelPolicy } from '../../config/alert-types.ts'
import { messageOf } from '../../errors.ts'
import { asking, type Ledger } from '../../ledger/ledger.ts'
import { alertNotices } from '../../ledger/schema.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Senders } from '../channels/senders.ts'
import type { Outgoing, Sent } from '../channels/types.ts'
import type { Notice, NoticeLink, Render } from '../notice.ts'
import { plainRender } from '../plain-text.ts'
import { channelsOf } from '../routes.ts'
import { type Claim, claimTry } from './claim.ts'
import { type Finished, finishTry } from './finish.ts'
import { takeTurn } from './turn.ts'

export interface DeliverParts {
  readonly ledger: Ledger
  readonly policy: () => AlertPolicy
  readonly senders: Senders
  readonly render: Render
  /** Links for whoever reads the message there; absent = those that it has. */
  readonly links?: (notice: Notice, channel: string) => readonly NoticeLink[]
  readonly logger: Logger
  readonly now: () => number
  /** Names this process in the record of tries. */
  readonly process: string
  readonly claimMs: number
  /** How far apart messages to one Slack hook are, ms. */
  readonly turnMs?: number
}

export type Delivered =
  | Finished
  /** Nothing to do any more. */
  | { readonly state: 'over' }
  /** Not now: another process has it, or its turn is to come. */
  | { readonly state: 'wait'; readonly forMs: number }

/**
 * Makes one try of one delivery. Safe to call by any process at any time: two never send at once, and what was accepted
 * is not sent again. @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function deliver(id: string, parts: DeliverParts): Promise<Delivered> {
  const { ledger, policy, now, process, claimMs } = parts
  const channel = await channelOf(id, parts)
  if (channel?.kind === 'slack') {
    // By what the hook is: two channels may have the same one.
    const forMs = await takeTurn(ledger, id, hash('sha256', channel.hook.value), parts.turnMs)
    if (forMs > 0) return { state: 'wait', forMs }
  }
  const claim = await claimTry(ledger, id, { process, claimMs, nowMs: now() })
  if (claim.state === 'busy') return { state: 'wait', forMs: claim.forMs }
  if (claim.state === 'over') return claim
  const sent = channel ? await trySend(claim, channel, parts) : GONE
  const others = othersThan(claim.channel, policy())
  const finished = await finishTry(ledger, id, claim, sent, { nowMs: now(), others })
  report(id, claim, sent, finished, parts.logger)
  return finished
}

const GONE: Sent = { outcome: 'refused', error: 'NO_CHANNEL', forGood: true }

/** The channel's name is what comes after the id of the message, which has no dot. */
async function channelOf(id: string, { policy }: DeliverParts): Promise<ChannelPolicy | undefined> {
  const name = id.slice(id.indexOf('.') + 1)
  return channelsOf(policy()).find((one) => one.name === name)
}

async function trySend(claim: Claim, channel: ChannelPolicy, parts: DeliverParts): Promise<Sent> {
  const [row] = await asking(() =>
    parts.ledger.db.select().from(alertNotices).where(eq(alertNotices.id, claim.notice)),
  )
  if (!row) return { outcome: 'refused', error: 'NO_NOTICE', forGood: true }
  const links = parts.links?.(row.body, channel.name) ?? row.body.links
  return parts.senders.send(channel, await writeOut({ ...row.body, links }, parts))
}

/** A message that cannot be laid out goes out plain: an alert must go out. */
export async function writeOut(
  notice: Notice,
  { render, logger }: Pick<DeliverParts, 'render' | 'logger'>,
): Promise<Outgoing> {
  try {
    return { notice, rendered: await render(notice) }
  } catch (error) {
    logger.error({ notice: notice.id, reason: messageOf(error) }, 'a message goes out plain')
    return { notice, rendered: plainRender(notice) }
  }
}

/** Those of another kind first: what ails one mail address may ail the other. */
function othersThan(name: string, policy: AlertPolicy): string[] {
  const all = channelsOf(policy)
  const kind = all.find((one) => one.name === name)?.kind
  const others = all.filter((one) => one.name !== name)
  const unlike = others.filter((one) => one.kind !== kind)
  return [...unlike, ...others.filter((one) => one.kind === kind)].map((one) => one.name)
}

function report(id: string, claim: Claim, sent: Sent, finished: Finished, logger: Logger): void {
  const known = { delivery: id, try: claim.tries }
  if (sent.outcome === 'accepted') logger.info({ ...known, note: sent.note }, 'an alert was sent')
  else if (finished.state === 'failed') {
    const { through } = finished
    logger.error(
      { ...known, error: sent.error, through },
      'an alert was not sent through a channel',
    )
  } else logger.warn({ ...known, error: sent.error }, 'an alert was not sent; trying again')
}
