import { type PGlite, protocol } from '@electric-sql/pglite'
import { errorIn, hasParsed, type QueryReply, readReply } from './read-reply.ts'
import { toWireValue } from './wire-value.ts'

/** Gives the turn back; call it once. */
export type EndTurn = () => void

/** The one connection that a PGlite has, taken in turns. */
export interface Session {
  /**
   * Waits until nobody else has a statement or a transaction under way, PGlite's own `query` and `transaction`
   * included. First come, first served.
   */
  takeTurn(): Promise<EndTurn>
  /** Runs one statement, or without parameters a script. Only within a turn. @throws the database's error. */
  run<R>(text: string, params?: readonly unknown[]): Promise<QueryReply<R>>
  /** Whether a transaction was begun and not ended. Only within a turn. */
  inTransaction(): boolean
}

const { serialize } = protocol
const SYNC = serialize.sync()
/** More texts than any code has; only one that builds texts from values gets there, and parses them anew each time. */
const MAX_PREPARED = 1_000

const turnOfTheLoop = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Opens nothing: the database is the caller's. */
export function createSession(database: PGlite): Session {
  const prepared = new Map<string, string>()
  // Only grows: a name whose statement failed must never come back, because the statement may exist.
  let named = 0

  const exchange = (bytes: Uint8Array) =>
    database.runExclusive(async () => {
      // An error is an answer like others here: thrown, it would take notifications that came with it along.
      const { messages } = await database.execProtocol(bytes, { throwOnError: false })
      // In a call of its own: with the statement, notifications have been seen to arrive a statement late.
      const synced = await database.execProtocol(SYNC, { throwOnError: false })
      return [...messages, ...synced.messages]
    })

  async function script<R>(text: string): Promise<QueryReply<R>> {
    return readOrThrow(await exchange(serialize.query(text)))
  }

  async function statement<R>(text: string, params: readonly unknown[]): Promise<QueryReply<R>> {
    const known = prepared.get(text)
    const fresh = prepared.size < MAX_PREPARED ? `bursar_${named++}` : ''
    const name = known ?? fresh
    const reply = await exchange(
      Buffer.concat([
        ...(known === undefined ? [serialize.parse({ text, name })] : []),
        serialize.bind({ statement: name, values: params.map(toWireValue) }),
        serialize.describe({ type: 'P' }),
        serialize.execute({}),
      ]),
    )
    if (known === undefined && name !== '' && hasParsed(reply)) prepared.set(text, name)
    return readOrThrow(reply)
  }

  return {
    async takeTurn() {
      await database.waitReady
      return new Promise((resolve, reject) => {
        database
          // Statements alone take `runExclusive`: held by itself, it would let us into the middle of a transaction.
          ._runExclusiveTransaction(async () => {
            await new Promise<void>((end) => resolve(end))
            // The caller has its answer; timers and sockets have theirs before the next statement blocks the thread.
            await turnOfTheLoop()
          })
          .catch(reject)
      })
    },
    async run(text, params = []) {
      if (!database.ready) throw new Error('the embedded database is closed')
      return params.length === 0 ? script(text) : statement(text, params)
    },
    inTransaction: () => database.ready && database.isInTransaction(),
  }
}

function readOrThrow<R>(reply: Parameters<typeof readReply>[0]): QueryReply<R> {
  const error = errorIn(reply)
  if (error) throw error
  return readReply(reply)
}
