import type { Session } from '../../access/sessions/types.ts'
import { BursarError } from '../../errors.ts'

export interface SessionCookie {
  /** Absent = `bursar_session`. */
  readonly name?: string
  /** Absent = `lax`. `none` needs `secure`. */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /** Sent over HTTPS alone; false is for a machine of one's own. Absent = true. */
  readonly secure?: boolean
}

const DEFAULT_NAME = 'bursar_session'
/** https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1: a token. */
const NAME = /^[!#$%&'*+.^`|~\w-]{1,64}$/

/** @throws {BursarError} INVALID_ARGUMENT. */
export function cookieName({ name = DEFAULT_NAME }: SessionCookie): string {
  if (NAME.test(name)) return name
  throw new BursarError('INVALID_ARGUMENT', `'${name}' cannot name a cookie`)
}

/** What `set-cookie` says to a browser that has just signed in. Scripts of the page cannot read it. */
export function sessionCookie(
  token: string,
  { lastsUntilMs, openedAtMs }: Pick<Session, 'lastsUntilMs' | 'openedAtMs'>,
  cookie: SessionCookie = {},
): string {
  // For as long as it may last: whether it still opens anything is decided here, not by the browser.
  return written(token, Math.floor((lastsUntilMs - openedAtMs) / 1_000), cookie)
}

/** What `set-cookie` says to a browser that signs out. */
export const clearedCookie = (cookie: SessionCookie = {}): string => written('', 0, cookie)

function written(value: string, maxAgeS: number, cookie: SessionCookie): string {
  const { sameSite = 'lax', secure = true } = cookie
  const words = [`${cookieName(cookie)}=${value}`, `Max-Age=${maxAgeS}`, 'Path=/', 'HttpOnly']
  if (secure) words.push('Secure')
  return [...words, `SameSite=${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`].join('; ')
}

/** @returns the first cookie of the name; undefined when there is none. */
export function cookieIn(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}
