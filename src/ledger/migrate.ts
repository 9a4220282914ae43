import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate as runMigrations } from 'drizzle-orm/node-postgres/migrator'
import { Client } from 'pg'
import { asLedgerError, connecting } from './errors.ts'
import { MIGRATIONS } from './migrations.ts'

// Any number that nobody else in the database uses: 'bursar' in ASCII.
const MIGRATION_LOCK = '108170587435378'
const CONNECT_TIMEOUT_MS = 10_000

/**
 * Brings a PostgreSQL database to this version. Safe to run again and from many processes at once: one migrates,
 * the others wait for it and find nothing to do.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'bursar-migrate',
    // Notices such as `relation already exists, skipping` are what a second run is expected to give.
    options: '-c client_min_messages=warning',
  })
  client.on('error', () => {}) // the statement under way reports it
  await connecting(() => client.connect())
  try {
    // Held until the connection ends, however it ends.
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await runMigrations(drizzle(client), MIGRATIONS)
  } catch (error) {
    throw asLedgerError(error)
  } finally {
    await client.end()
  }
}
