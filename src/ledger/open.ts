import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import type { Pool, PoolClient } from 'pg'
import { CheckedPool } from './checked-pool.ts'
import { asLedgerError, connecting } from './errors.ts'
import { type Ledger, type LedgerDb, run } from './ledger.ts'
import { assertMigrated } from './migrations.ts'
import { isForgotten, preparing } from './prepared.ts'
import * as schema from './schema.ts'

/** Settings of the connection pool, each with a default that suits one process of many. */
export interface LedgerOptions {
  readonly databaseUrl: string
  /** Connections that are kept, >= 1, and the most while there is much to do; as many where only the first is given. */
  readonly poolSize?: number
  readonly poolMax?: number
  /** A connection is replaced when it is this old and free, s; idle for longer than this, it is asked before use, ms. */
  readonly maxLifetimeS?: number
  readonly checkAfterMs?: number
  /** Longest wait for a connection, ms. */
  readonly connectTimeoutMs?: number
  /** Longest run of one statement, ms. Reports over millions of entries may want more. */
  readonly statementTimeoutMs?: number
  /** Seen in pg_stat_activity. */
  readonly applicationName?: string
  /** A connection died while nobody used it; the pool replaces it. */
  readonly onConnectionLost?: (error: Error) => void
}

// A drain waits this long for another one's lock; a batch takes well under a second.
const LOCK_TIMEOUT_MS = 10_000
// A drain that lost its outbox must not keep the lock of the slot row.
const IDLE_IN_TRANSACTION_MS = 30_000
/**
 * Broad questions are planned as expensive and compiled for longer than they run (600 of 2,000 ms); sums of some days are read by
 * their key, of which the cache has most, and not with the whole table; what is sorted and hashed stays in memory.
 */
const SESSION = '-c jit=off -c random_page_cost=1.1 -c work_mem=16MB'
const POOL_KEPT = 10
const POOL_MAX = 20
// What a backend has grown to, and what a failed-over address still points to, ends within the hour.
const LIFETIME_S = 3_600
// Under load nobody is asked; whoever comes after a pause is.
const CHECK_AFTER_MS = 1_000
// The client gives up after the server should have: only a server that is frozen or cut off gets there.
const CLIENT_GRACE_MS = 2_000

/**
 * Connects to a migrated ledger in PostgreSQL 14 or later. The caller closes it.
 * @throws {BursarError} LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const pool = createPool(options)
  const ledger = overPool(pool)
  try {
    await assertMigrated(ledger.db)
  } catch (error) {
    await ledger.close()
    throw error
  }
  return ledger
}

function createPool(options: LedgerOptions): Pool {
  const { statementTimeoutMs = 30_000, onConnectionLost = () => {} } = options
  const { maxLifetimeS = LIFETIME_S, checkAfterMs = CHECK_AFTER_MS } = options
  const config = {
    connectionString: options.databaseUrl,
    min: options.poolSize ?? POOL_KEPT,
    max: options.poolMax ?? options.poolSize ?? POOL_MAX,
    maxLifetimeSeconds: maxLifetimeS,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + CLIENT_GRACE_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    application_name: options.applicationName ?? 'bursar',
    keepAlive: true,
    options: SESSION,
  }
  const pool = new CheckedPool(config, checkAfterMs)
  pool.on('error', onConnectionLost)
  // A connection that dies inside a transaction, between statements, has no other listener: unheard, it would end
  // the process. The next statement fails and says so.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

function overPool(pool: Pool): Ledger {
  const plain = (client: PoolClient) => client
  let through = preparing
  let closing: Promise<void> | undefined
  return {
    db: drizzle(pool, { schema }),
    async transaction(work) {
      try {
        return await inTransaction(pool, through, work)
      } catch (error) {
        if (!isForgotten(error)) throw error
        through = plain
        return await inTransaction(pool, through, work)
      }
    },
    close() {
      closing ??= pool.end()
      return closing
    },
  }
}

/**
 * Written out here because drizzle's own keeps the connection for ever when `begin` fails. After any failure the
 * connection is closed, which rolls back too: nobody inherits it in an unknown state.
 */
async function inTransaction<T>(
  pool: Pool,
  through: (client: PoolClient) => PoolClient,
  work: (tx: LedgerDb) => Promise<T>,
): Promise<T> {
  const client = await connecting(() => pool.connect())
  try {
    const tx: LedgerDb = drizzle(through(client), { schema })
    await run(tx, sql`begin`)
    const result = await work(tx)
    await run(tx, sql`commit`)
    client.release()
    return result
  } catch (error) {
    client.release(true)
    throw asLedgerError(error)
  }
}
