import type { PGlite } from '@electric-sql/pglite'
import type { JournalDatabase } from './database.ts'

/**
 * The journal's tables in a PGlite that the caller opened and closes. PGlite has one connection: a statement waits
 * while anybody has a transaction open on it, so nobody may ask the store for a command inside one.
 *
 * PGlite runs with `fsync = off`: what is committed survives the end of the process, however it ends, and not the
 * loss of power.
 */
export const journalOver = (database: Pick<PGlite, 'query'>): JournalDatabase => ({
  async query(text, params = []) {
    const { rows } = await database.query(text, [...params])
    return rows
  },
})
