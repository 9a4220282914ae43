import { EventEmitter } from 'node:events'
import type { PGlite } from '@electric-sql/pglite'
import type { PgPool, PgPoolClient } from 'bullmq'
import type { QueryReply } from './read-reply.ts'
import { createSession, type EndTurn, type Session } from './session.ts'

/**
 * One PGlite session that looks like a `pg.Pool`: to BullMQ's PostgreSQL backend, and for queries of our own. Its
 * clients share the session, so settings of one are settings of all, and each hears what any of them listens to.
 */
export interface PglitePool extends PgPool {
  /**
   * Runs one statement, or without parameters a script, of which the last result counts. Values of `int8` and
   * `numeric` are strings, as in node-postgres.
   * @throws the database's error; Error when the pool has ended, or when the text leaves a transaction open (it is
   * rolled back: take a client for that).
   */
  query<R = Record<string, unknown>>(
    text: string,
    params?: readonly unknown[],
  ): Promise<QueryReply<R>>
  /** A client that keeps the session to itself from BEGIN to COMMIT or ROLLBACK. Release it. */
  connect(): Promise<PglitePoolClient>
  /** Refuses later queries; the database stays open. Safe to call twice. */
  end(): Promise<void>
}

/** A client of the pool; it emits `notification`. */
export type PglitePoolClient = PgPoolClient & EventEmitter

/** @param database - the caller's, who closes it after `end`. */
export const createPglitePool = (database: PGlite): PglitePool => new SharedSession(database)

class SharedSession extends EventEmitter implements PglitePool {
  /** BullMQ reads it: no socket can die unseen here, so a worker may wait for its notification for as long as it likes. */
  readonly options = { keepAlive: true }
  readonly #session: Session
  readonly #clients = new Set<SharedClient>()
  readonly #deaf: () => void
  #ended = false

  constructor(database: PGlite) {
    super()
    this.setMaxListeners(0)
    this.#session = createSession(database)
    this.#deaf = database.onNotification((channel, payload) => {
      for (const client of this.#clients) client.emit('notification', { channel, payload })
    })
  }

  async query<R>(text: string, params?: readonly unknown[]): Promise<QueryReply<R>> {
    this.#assertOpen()
    const endTurn = await this.#session.takeTurn()
    try {
      const reply = await this.#session.run<R>(text, params)
      if (!this.#session.inTransaction()) return reply
      await this.#session.run('rollback')
      throw new Error('a transaction was left open and is rolled back: begin it on a client')
    } finally {
      endTurn()
    }
  }

  async connect(): Promise<PglitePoolClient> {
    this.#assertOpen()
    const client = new SharedClient(this.#session, () => this.#clients.delete(client))
    this.#clients.add(client)
    return client
  }

  async end(): Promise<void> {
    this.#ended = true
    this.#deaf()
  }

  #assertOpen(): void {
    // BullMQ knows these words: a command that comes after the end is forgotten instead of failing.
    if (this.#ended) throw new Error('Cannot use a pool after calling end on the pool')
  }
}

class SharedClient extends EventEmitter implements PgPoolClient {
  readonly #session: Session
  readonly #leave: () => void
  /** Queries of one client run one after the other. */
  #last: Promise<unknown> = Promise.resolve()
  /** Set while a transaction of this client is open. */
  #endTurn: EndTurn | null = null

  constructor(session: Session, leave: () => void) {
    super()
    this.setMaxListeners(0)
    this.#session = session
    this.#leave = leave
  }

  query<R>(text: string, params?: readonly unknown[]): Promise<QueryReply<R>> {
    const next = this.#last.then(() => this.#run<R>(text, params))
    this.#last = next.catch(() => {})
    return next
  }

  /** A transaction that is still open is rolled back. */
  release(): void {
    this.#leave()
    this.#last = this.#last.then(() => this.#rollBack())
  }

  async #run<R>(text: string, params?: readonly unknown[]): Promise<QueryReply<R>> {
    this.#endTurn ??= await this.#session.takeTurn()
    try {
      return await this.#session.run<R>(text, params)
    } finally {
      if (!this.#session.inTransaction()) this.#giveBack()
    }
  }

  async #rollBack(): Promise<void> {
    if (!this.#endTurn) return
    await this.#session.run('rollback').catch(() => {})
    this.#giveBack()
  }

  #giveBack(): void {
    this.#endTurn?.()
    this.#endTurn = null
  }
}
