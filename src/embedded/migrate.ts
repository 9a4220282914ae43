import type { PGlite } from '@electric-sql/pglite'
import { runMigrations } from 'bullmq'
import { migrateEmbedded } from '../ledger/embedded.ts'
import type { PglitePool } from './pool.ts'

/** Brings the ledger's tables and BullMQ's to this version. Safe to run again. */
export async function migrateAll(database: PGlite, pool: PglitePool): Promise<void> {
  await migrateEmbedded(database)
  const client = await pool.connect()
  try {
    await runMigrations(client)
  } finally {
    client.release()
  }
  // BullMQ's statements name no schema. Ours comes first, so that whatever is created lands in it.
  await pool.query('set search_path to public, bullmq')
}
