import type { Session } from '../../access/sessions/types.ts'

const sessions = new WeakMap<object, Session>()

export function rememberSession(native: unknown, session: Session): void {
  if (native instanceof Object) sessions.set(native, session)
}

/** The session that a request came with, where the session middleware ran before; null = none. */
export const sessionOf = (request: unknown): Session | null =>
  request instanceof Object ? (sessions.get(request) ?? null) : null
