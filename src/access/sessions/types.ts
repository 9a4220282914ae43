/** Whose sessions they are. */
export interface SessionOwner {
  /** Absent = `default`. */
  readonly tenant?: string
  readonly user: string
}

/** Where somebody comes from, as the application saw it. */
export interface SessionPlace {
  readonly ip?: string
  /** `user-agent`; its first 256 characters are kept. */
  readonly agent?: string
}

/** Who begins one, and what the application wants to know of them at each request. */
export interface NewSession extends SessionOwner, SessionPlace {
  /** What JSON can say, 4 KiB at most. */
  readonly data?: Readonly<Record<string, unknown>>
}

/** Somebody who is signed in, in one place. */
export interface Session {
  /** Names it in lists and to `revoke`. It opens nothing: the token alone does. */
  readonly id: string
  readonly tenant: string
  readonly user: string
  readonly data: Readonly<Record<string, unknown>>
  readonly openedAtMs: number
  /** Its last request, and how many there were. */
  readonly seenAtMs: number
  readonly requests: number
  /** When it ends unless another request comes; it never outlives `lastsUntilMs`. ms since 1970. */
  readonly endsAtMs: number
  readonly lastsUntilMs: number
  /** Of its last request, '' = nobody said. */
  readonly ip: string
  readonly agent: string
}

export interface OpenedSession {
  /** Shown once: 43 letters, digits, `-` and `_`, 256 random bits. Nobody can read it out of the store. */
  readonly token: string
  readonly session: Session
}

export interface SessionStats {
  /** Sessions that would open now, and people who have one. */
  readonly active: number
  readonly users: number
  /** Since the store was begun. `revoked`: by `revoke` and `revokeAll`; `replaced`: the oldest of too many. */
  readonly opened: number
  readonly expired: number
  readonly revoked: number
  readonly replaced: number
}

/** How long sessions last. */
export interface SessionTimes {
  /** Without a request, ms; 24 hours. */
  readonly idleMs: number
  /** Whatever happens, ms; 30 days. */
  readonly longestMs: number
  /** Of one person at a time; the one that was idle longest goes. 20. */
  readonly perUser: number
}

/**
 * People who are signed in to an application. Several sessions a person, each slides with its requests.
 * @throws {BursarError} STORE_UNAVAILABLE; INVALID_ARGUMENT for what cannot be kept.
 */
export interface Sessions {
  open(who: NewSession): Promise<OpenedSession>
  /** Finds whose token it is, and counts a request of theirs. null = it opens nothing (any more). */
  touch(token: string, place?: SessionPlace): Promise<Session | null>
  /** Those that would open now, the last used first. */
  list(owner: SessionOwner): Promise<readonly Session[]>
  /** @returns whether there was one. */
  revoke(id: string): Promise<boolean>
  /** @param except - the id of one that stays, e.g. that of who asks. @returns how many ended. */
  revokeAll(owner: SessionOwner, except?: string): Promise<number>
  stats(): Promise<SessionStats>
  /** Forgets what has ended by itself. Sessions end in time without it; figures follow it. @returns how many. */
  cleanUp(): Promise<number>
}
