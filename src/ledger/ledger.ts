import type { SQL } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { asLedgerError } from './errors.ts'
import type * as schema from './schema.ts'

/** What every driver's result has in common. */
interface LedgerResult extends PgQueryResultHKT {
  readonly type: { readonly rows: readonly unknown[] }
}

/** A drizzle database over PostgreSQL or PGlite: the ledger itself, or one transaction of it. */
export type LedgerDb = PgDatabase<LedgerResult, typeof schema>

/** An open ledger. */
export interface Ledger {
  readonly db: LedgerDb
  /**
   * Commits what `work` did through its argument, or nothing when it throws. May run it a second time, when nothing of the
   * first came to be.
   */
  transaction<T>(work: (tx: LedgerDb) => Promise<T>): Promise<T>
  /** Waits for statements under way and closes every connection that the ledger opened. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Runs one statement.
 * @returns its rows, each parsed by `row`.
 * @throws {BursarError} LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export async function rowsOf<T>(db: LedgerDb, row: z.ZodType<T>, statement: SQL): Promise<T[]> {
  const result = await asking(() => db.execute(statement))
  return z.array(row).parse(result.rows)
}

/** Runs one statement whose rows nobody needs. Throws like `rowsOf`. */
export async function run(db: LedgerDb, statement: SQL): Promise<void> {
  await asking(() => db.execute(statement))
}

/** Runs database work and names its failures: LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED; others pass. */
export async function asking<T>(work: () => PromiseLike<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asLedgerError(error)
  }
}
