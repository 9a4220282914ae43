import { createTransport } from 'nodemailer'
import type { AlertPolicy } from '../../config/alert-types.ts'
import { mailOf } from './mail.ts'
import { SEND_LIMIT_MS, type Sender, type Sent, unanswered, wordOf } from './types.ts'

const LOCAL = /^(localhost|127\.|\[?::1)/

type Pool = ReturnType<typeof poolOf>

/**
 * Sends e-mail over connections that are kept.
 * @param email - where to and from whom, as the policy in force has it.
 */
export function smtpSender(
  email: () => AlertPolicy['email'],
  limitMs = SEND_LIMIT_MS,
): Sender<'email'> {
  let pool: { readonly url: string; readonly transport: Pool } | null = null
  const poolFor = (url: string): Pool => {
    if (pool?.url === url) return pool.transport
    pool?.transport.close()
    pool = { url, transport: poolOf(url, limitMs) }
    return pool.transport
  }
  return {
    async send({ to }, message) {
      const { smtp, from } = email()
      const mail = mailOf(message, from, to)
      const signal = AbortSignal.timeout(limitMs)
      try {
        const info = await poolFor(smtp?.value ?? '').sendMail({ ...mail, signal })
        const { length } = info.rejected
        return { outcome: 'accepted', note: length === 0 ? null : `${length} refused` }
      } catch (error) {
        return judge(error)
      }
    },
    async close() {
      pool?.transport.close()
      pool = null
    },
  }
}

function poolOf(url: string, limitMs: number) {
  const { username, hostname } = new URL(url)
  return createTransport({
    ...{ url, pool: true, maxConnections: 3, maxMessages: 100 },
    // A password never travels in clear text, except to this very machine.
    requireTLS: username !== '' && url.startsWith('smtp:') && !LOCAL.test(hostname),
    ...{ connectionTimeout: limitMs, greetingTimeout: limitMs, socketTimeout: limitMs },
    dnsTimeout: limitMs,
  })
}

/** A reply of the server is certain; silence after the message is not. */
function judge(error: unknown): Sent {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'responseCode') : undefined
  if (typeof code !== 'number') return unanswered(error)
  const forGood = error instanceof Error && Reflect.get(error, 'permanent') === true
  const word = wordOf(error)
  const isLogin = word === 'EAUTH' || word === 'ENOAUTH'
  return { outcome: 'refused', error: `SMTP ${code}`, forGood: forGood && !isLogin }
}
