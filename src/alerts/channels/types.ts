import type { ChannelPolicy } from '../../config/alert-types.ts'
import type { Notice, Rendered } from '../notice.ts'

/** A message on its way through one channel. */
export interface Outgoing {
  readonly notice: Notice
  readonly rendered: Rendered
}

/**
 * What became of a try. `refused`: the receiver certainly does not have it. `unknown`: it may have, since it was sent
 * and no answer came.
 */
export type Sent =
  | {
      readonly outcome: 'accepted' /** Where a file lies, or what the receiver said. */
      readonly note: string | null
    }
  | {
      readonly outcome: 'refused' | 'unknown'
      /** Stable word, `ECONNREFUSED`, `HTTP 503`: never an address or a secret. */
      readonly error: string
      /** Trying again cannot help. */
      readonly forGood: boolean
      /** What the receiver asked to wait, ms; absent = it did not. */
      readonly retryAfterMs?: number
    }

/** Sends through channels of one kind. */
export interface Sender<Kind extends ChannelPolicy['kind']> {
  send(channel: Extract<ChannelPolicy, { kind: Kind }>, message: Outgoing): Promise<Sent>
  close(): Promise<void>
}

/** One try takes no longer than this, ms. */
export const SEND_LIMIT_MS = 20_000

/** What an HTTP status says of a message. 408 and 429 are about now, not about the message. */
export function judgeStatus(status: number, retryAfter: string | null): Sent {
  const error = `HTTP ${status}`
  const seconds = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : null
  const wait = seconds === null ? {} : { retryAfterMs: seconds * 1_000 }
  const forGood = status >= 300 && status < 500 && status !== 408 && status !== 429
  return { outcome: 'refused', error, forGood, ...wait }
}

/** A word for whatever was thrown. @returns e.g. `ECONNRESET`, `TimeoutError`. */
export function wordOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    // Nodemailer says ESOCKET, and keeps what the socket had said.
    const code: unknown = Reflect.get(one, 'originalCode') ?? Reflect.get(one, 'code')
    if (typeof code === 'string' && /^[A-Z][A-Z_0-9]+$/.test(code)) return code
    if (one.name !== 'Error' && one.name !== 'TypeError') return one.name
  }
  return 'FAILED'
}

/** Before a connection stands nothing is sent. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EDNS'],
  ...['UND_ERR_CONNECT_TIMEOUT', 'ETLS', 'EAUTH', 'ENOAUTH', 'ECONFIG'],
  ...['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID'],
])

/** What is known after a failure without an answer. */
export const unanswered = (error: unknown): Sent => {
  const word = wordOf(error)
  const outcome = NEVER_SENT.has(word) ? 'refused' : 'unknown'
  return { outcome, error: word, forGood: false }
}
