import { createHmac, timingSafeEqual } from 'node:crypto'
import { BursarError } from '../errors.ts'

/** What a message says of itself in its headers. */
export interface Signed {
  /** `webhook-id`. */
  readonly id: string
  /** `webhook-timestamp`, seconds since 1970. */
  readonly timestamp: string
  /** `webhook-signature`: one or several of `v1,<base64>`, with blanks between them. */
  readonly signatures: string
  /** As it came. */
  readonly body: string
}

/** A message is no older and no younger, ms: what was overheard cannot be sent again later. */
export const SIGNED_WITHIN_MS = 300_000

/**
 * Checks that a message comes from who has one of the secrets: HMAC-SHA256 over `<id>.<timestamp>.<body>`.
 * @param secrets - as they are, or `whsec_` and base64.
 * @throws {BursarError} INVALID_SIGNATURE.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function assertSigned(
  { id, timestamp, signatures, body }: Signed,
  secrets: readonly string[],
  nowMs: number,
): void {
  const sentMs = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) * 1_000 : Number.NaN
  if (!(Math.abs(nowMs - sentMs) <= SIGNED_WITHIN_MS)) throw notSigned(TIME)
  const given = signatures.split(' ').flatMap((one) => {
    const [version, text = ''] = one.split(',')
    return version === 'v1' ? [Buffer.from(text, 'base64')] : []
  })
  const message = `${id}.${timestamp}.${body}`
  const good = secrets.map((secret) => macOf(message, secret))
  if (!good.some((one) => given.some((other) => isEqual(one, other)))) throw notSigned(WRONG)
}

/** What goes along with a signed message. */
export type SignatureHeaders = Readonly<
  Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>
>

/**
 * Signs a message for a receiver, who may know any of the secrets: while one is changed, send with both.
 * @param id - the same for each delivery of the message: a receiver counts it once.
 * @param secrets - as they are, or `whsec_` and base64; the newest first.
 */
export function signMessage(
  { id, body }: Pick<Signed, 'id' | 'body'>,
  secrets: readonly string[],
  nowMs: number,
): SignatureHeaders {
  const timestamp = String(Math.floor(nowMs / 1_000))
  const message = `${id}.${timestamp}.${body}`
  const signatures = secrets.map((secret) => `v1,${macOf(message, secret).toString('base64')}`)
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}

const macOf = (message: string, secret: string): Buffer =>
  createHmac('sha256', keyOf(secret)).update(message).digest()

/** In constant time. */
const isEqual = (one: Buffer, other: Buffer): boolean =>
  one.length === other.length && timingSafeEqual(one, other)

const keyOf = (secret: string): Buffer =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret)

const TIME =
  'webhook-timestamp is missing, or more than five minutes off: send the seconds since 1970, and set the clock right'
const WRONG =
  'webhook-signature is not of this message: sign <webhook-id>.<webhook-timestamp>.<body> with BURSAR_WEBHOOK_SECRET, and send v1,<base64 of the HMAC-SHA256>'

const notSigned = (message: string): BursarError => new BursarError('INVALID_SIGNATURE', message)
