import type { ChannelPolicy } from '../../config/alert-types.ts'
import type { Notice, NoticeLink } from '../notice.ts'
import { LINK_LIFE_MS, type LinkAction, signLink } from './link.ts'

/** What links are made with. */
export interface LinkSettings {
  /** The first one signs; at least one. */
  readonly secrets: readonly string[]
  /** Where people reach the gateway, e.g. `https://bursar.example.com`. */
  readonly publicUrl: string
}

/** Where the pages are. The token stands in the query: a path has a limit of its own. */
export const ACTION_PATH = '/act'

const LABELS: Readonly<Record<LinkAction, string>> = {
  approve: 'Approve more',
  acknowledge: 'Acknowledge',
  silence: 'Silence',
  open: 'Open',
}

/**
 * The links of a message to one recipient: whoever has them may do what they say, in that recipient's name. What is over
 * is only looked at; a digest, a report and a trial have none.
 * @param recipient - for records: an address, or the name of a channel that several read.
 */
export function actionLinks(
  notice: Pick<Notice, 'id' | 'thread' | 'state' | 'facts' | 'test' | 'atMs'>,
  recipient: string,
  { secrets, publicUrl }: LinkSettings,
): NoticeLink[] {
  return actionsOf(notice).map((action) => {
    const claim = {
      ...{ action, alert: notice.thread, message: notice.id, recipient },
      expiresAtMs: notice.atMs + LINK_LIFE_MS[action],
    }
    const url = new URL(ACTION_PATH.slice(1), `${publicUrl.replace(/\/*$/, '')}/`)
    url.searchParams.set('t', signLink(claim, secrets))
    const kind = action === 'open' ? 'dashboard' : action
    return { kind, label: LABELS[action], href: url.href }
  })
}

/** Who reads what is sent to a channel, for records: the one address that it has, or its name. */
export const recipientOf = (channels: readonly ChannelPolicy[], name: string): string => {
  const channel = channels.find((one) => one.name === name)
  const [address, ...others] = channel?.kind === 'email' ? channel.to : []
  return address !== undefined && others.length === 0 ? address : `channel ${name}`
}

/** What `BURSAR_LINK_SECRET` and `BURSAR_PUBLIC_URL` say; null = messages have no links. */
export const linkSettings = (options: {
  readonly BURSAR_LINK_SECRET?: string | undefined
  readonly BURSAR_PUBLIC_URL?: string | undefined
}): LinkSettings | null => {
  const { BURSAR_LINK_SECRET: secret, BURSAR_PUBLIC_URL: publicUrl } = options
  return secret && publicUrl ? { secrets: secret.split(','), publicUrl } : null
}

function actionsOf({ state, facts, test }: Pick<Notice, 'state' | 'facts' | 'test'>): LinkAction[] {
  if (test || facts.rule === 'digest' || facts.rule === 'report') return []
  if (state === 'resolved') return ['open']
  const isOfMoney = 'effect' in facts && facts.effect !== 'warns-only'
  return [...(isOfMoney ? ['approve' as const] : []), 'acknowledge', 'silence', 'open']
}
