import type { PGlite } from '@electric-sql/pglite'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import { asking, type Ledger } from './ledger.ts'
import { assertMigrated, MIGRATIONS } from './migrations.ts'
import * as schema from './schema.ts'

/** Brings an embedded database to this version. Safe to run again. */
export async function migrateEmbedded(database: PGlite): Promise<void> {
  await migrate(drizzle(database), MIGRATIONS)
}

/**
 * The ledger in a PGlite that the caller opened and closes. PGlite has one connection: while a transaction is
 * open, every other statement on the same database waits, so `work` and the outbox it reads must not need one.
 * @throws {BursarError} LEDGER_NOT_MIGRATED.
 */
export async function openEmbeddedLedger(database: PGlite): Promise<Ledger> {
  const db = drizzle(database, { schema })
  await assertMigrated(db)
  return {
    db,
    transaction: (work) => asking(() => db.transaction(work)),
    async close() {
      // The database is the caller's, and it has no connection of ours.
    },
  }
}
