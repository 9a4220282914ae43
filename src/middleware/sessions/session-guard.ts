import type { Session, Sessions } from '../../access/sessions/types.ts'
import { BursarError, isBursarError } from '../../errors.ts'
import { refusal } from '../refusal.ts'
import { headerOf, type Instead, type WebRequest } from '../request.ts'
import { cookieIn, cookieName, type SessionCookie } from './cookie.ts'
import { rememberSession, sessionOf } from './session-of.ts'

export interface SessionOptions extends SessionCookie {
  /** Who has no session is refused with 401. Absent = false: `sessionOf(request)` is null then. */
  readonly required?: boolean
}

export type SessionVerdict =
  | { readonly pass: true; readonly session: Session | null }
  | { readonly pass: false; readonly instead: Instead }

/**
 * Finds out who is signed in: by the cookie, else by `authorization: Bearer <token>`. A request that nobody can look up,
 * because Redis is away, passes as nobody's, or is refused with 503 where a session is required.
 */
export function createSessionGuard<Native>(
  sessions: Pick<Sessions, 'touch'>,
  options: SessionOptions,
): (request: WebRequest<Native>) => Promise<SessionVerdict> {
  const name = cookieName(options)
  const { required = false } = options
  const find = async (request: WebRequest<Native>): Promise<Session | null> => {
    const token = cookieIn(headerOf(request, 'cookie'), name) ?? bearerIn(request)
    const found = token === undefined ? null : await sessions.touch(token, placeOf(request))
    if (found) rememberSession(request.native, found)
    return found
  }
  return async function session(request) {
    try {
      // One request counts once, however many routes on its way ask who it is.
      const found = sessionOf(request.native) ?? (await find(request))
      if (found || !required) return { pass: true, session: found }
      return {
        pass: false,
        instead: refusal(401, 'invalid_request_error', signIn(), { 'www-authenticate': 'Bearer' }),
      }
    } catch (error) {
      if (!isBursarError(error, 'STORE_UNAVAILABLE')) throw error
      if (!required) return { pass: true, session: null }
      return { pass: false, instead: refusal(503, 'server_error', error, { 'retry-after': '1' }) }
    }
  }
}

function placeOf(request: WebRequest): { ip?: string; agent?: string } {
  const agent = headerOf(request, 'user-agent')
  return { ...(request.ip && { ip: request.ip }), ...(agent && { agent }) }
}

const bearerIn = (request: WebRequest): string | undefined =>
  /^bearer +(\S+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1]

const signIn = (): BursarError =>
  new BursarError('ACCESS_DENIED', 'nobody is signed in, or the session is over: sign in again', {
    detail: { reason: 'session' },
  })
