import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'

/** What a reader may do from a message; `open` only looks. */
export const LINK_ACTIONS = ['acknowledge', 'silence', 'approve', 'open'] as const
export type LinkAction = (typeof LINK_ACTIONS)[number]

const DAY_MS = 86_400_000
/** How long a link works after its message was written, ms. Money is given for less long. */
export const LINK_LIFE_MS: Readonly<Record<LinkAction, number>> = {
  acknowledge: 7 * DAY_MS,
  silence: 7 * DAY_MS,
  approve: 3 * DAY_MS,
  open: 30 * DAY_MS,
}

/** What a link stands for. Whoever has it may do this, and nothing else. */
export interface LinkClaim {
  readonly action: LinkAction
  /** Id of the alert. */
  readonly alert: string
  /** Id of the message that it came in: what may be done once is done once for each. */
  readonly message: string
  /** To whom it was sent, for records. */
  readonly recipient: string
  /** First instant at which it works no more. */
  readonly expiresAtMs: number
}

/** What a token turned out to be. `claim` of one that is over says what it was for. */
export type ReadLink =
  | { readonly state: 'good' | 'expired'; readonly claim: LinkClaim }
  | { readonly state: 'forged' }

const id = z.string().min(1).max(500)
/** Version, action, alert, message, recipient, end. */
const ClaimSchema = z.tuple([z.literal(1), z.enum(LINK_ACTIONS), id, id, id, z.int().positive()])

/** Tells the signature of a link from every other use of the same secret. */
const PURPOSE = 'bursar action link 1\n'
/** Longer than any that was signed here. */
const MOST_CHARACTERS = 4_096

/**
 * Writes a claim so that it can stand in an address and be nobody else's.
 * @param secrets - the first one signs; at least one.
 */
export function signLink(claim: LinkClaim, secrets: readonly string[]): string {
  const { action, alert, message, recipient, expiresAtMs } = claim
  const fields = [1, action, alert, message, recipient, expiresAtMs]
  const body = Buffer.from(JSON.stringify(fields)).toString('base64url')
  return `${body}.${macOf(body, secrets[0] ?? '')}`
}

/** Reads what `signLink` wrote with one of the secrets. Never throws. */
export function readLink(token: string, secrets: readonly string[], nowMs: number): ReadLink {
  const [body = '', mac = '', ...rest] = token.length > MOST_CHARACTERS ? [] : token.split('.')
  const isOurs = secrets.some((secret) => isEqual(macOf(body, secret), mac))
  if (!isOurs || rest.length > 0) return { state: 'forged' }
  const read = ClaimSchema.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString()))
  // Another version of ours signed it.
  if (!read.success) return { state: 'forged' }
  const [, action, alert, message, recipient, expiresAtMs] = read.data
  const claim = { action, alert, message, recipient, expiresAtMs }
  return { state: nowMs < expiresAtMs ? 'good' : 'expired', claim }
}

const macOf = (body: string, secret: string): string => hmac(PURPOSE + body, secret)

const hmac = (text: string, secret: string): string =>
  createHmac('sha256', secret).update(text).digest('base64url')

/** What the form of a page proves: that it was shown by us, for this link, before an instant. */
export function signForm(token: string, untilMs: number, secrets: readonly string[]): string {
  return `${untilMs}.${formMac(token, untilMs, secrets[0] ?? '')}`
}

/** Whether a form was signed by `signForm` for this link, and not too long ago. */
export function isOwnForm(
  form: string,
  token: string,
  secrets: readonly string[],
  nowMs: number,
): boolean {
  const [until = '', mac = ''] = form.split('.')
  const untilMs = /^\d{1,15}$/.test(until) ? Number(until) : 0
  return nowMs < untilMs && secrets.some((secret) => isEqual(formMac(token, untilMs, secret), mac))
}

const formMac = (token: string, untilMs: number, secret: string): string =>
  hmac(`bursar action form 1\n${untilMs}\n${token}`, secret)

/** In constant time; as it was written, for bytes may be written in several ways. */
function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
