import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from './columns.ts'
import { notMigrated } from './errors.ts'
import { type LedgerDb, rowsOf } from './ledger.ts'

/** Where drizzle finds the migrations and where it writes down which ones ran. */
export const MIGRATIONS = {
  migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)),
  migrationsSchema: 'public',
  migrationsTable: 'bursar_migrations',
} as const

const Journal = z.object({ entries: z.array(z.object({ when: z.int() })).min(1) })
const Newest = z.object({ newest: SafeInteger.nullable() })

/** @returns when the newest migration of this version was written, UTC ms: drizzle's order of migrations. */
function newestKnown(): number {
  const text = readFileSync(`${MIGRATIONS.migrationsFolder}/meta/_journal.json`, 'utf8')
  return Math.max(...Journal.parse(JSON.parse(text)).entries.map((entry) => entry.when))
}

/**
 * A database migrated by a later version passes: replicas are updated one by one.
 * @throws {BursarError} LEDGER_NOT_MIGRATED when a migration of this version is missing, LEDGER_UNAVAILABLE.
 */
export async function assertMigrated(db: LedgerDb): Promise<void> {
  const statement = sql`select max(created_at)::bigint as newest from public.bursar_migrations`
  const [applied] = await rowsOf(db, Newest, statement)
  if ((applied?.newest ?? 0) < newestKnown()) throw notMigrated()
}
