import { signMessage } from '../../access/webhook-signature.ts'
import { cleanAll } from '../templates/words.ts'
import { judgeStatus, type Outgoing, SEND_LIMIT_MS, type Sender, unanswered } from './types.ts'

/**
 * Sends signed JSON (Standard Webhooks). Redirects are not followed: the policy names the receiver.
 * @param limitMs - for the whole of one try.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function webhookSender(limitMs = SEND_LIMIT_MS): Sender<'webhook'> {
  return {
    async send({ url, secrets }, message) {
      const body = JSON.stringify(payloadOf(message))
      const { id } = message.notice
      // The receiver's clock is real, whatever ours is.
      const signed = signMessage(
        { id, body },
        secrets.map(({ value }) => value),
        Date.now(),
      )
      try {
        const reply = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'user-agent': 'bursar', ...signed },
          body,
          redirect: 'manual',
          signal: AbortSignal.timeout(limitMs),
        })
        await reply.body?.cancel()
        if (reply.ok) return { outcome: 'accepted', note: null }
        return judgeStatus(reply.status, reply.headers.get('retry-after'))
      } catch (error) {
        return unanswered(error)
      }
    },
    async close() {},
  }
}

/** What a receiver reads; docs/alerts.md describes it. */
export function payloadOf({ notice, rendered }: Outgoing) {
  const { thread: alert, atMs, facts, scope, tenant, ...rest } = notice
  const named = { scope: cleanAll(scope), tenant: cleanAll(tenant), facts: cleanAll(facts) }
  return {
    type: `alert.${notice.state}`,
    timestamp: new Date(atMs).toISOString(),
    data: { ...rest, ...named, alert, title: rendered.subject, text: rendered.text },
  }
}
