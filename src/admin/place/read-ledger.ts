import type { Options } from '../../config/options.ts'
import { BursarError } from '../../errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { openLedger } from '../../ledger/open.ts'

/** A whole scan of a large ledger is one statement. */
const STATEMENT_MS = 1_800_000

/**
 * Opens the ledger for reports and scans; the caller closes it.
 * @throws {BursarError} INVALID_OPTIONS without an address, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export async function openLedgerToRead({ DATABASE_URL }: Options): Promise<Ledger> {
  if (!DATABASE_URL) {
    const message =
      'DATABASE_URL is not set: write the address of PostgreSQL, such as postgres://bursar@127.0.0.1:5432/bursar'
    throw new BursarError('INVALID_OPTIONS', message)
  }
  return await openLedger({
    databaseUrl: DATABASE_URL,
    poolSize: 2,
    statementTimeoutMs: STATEMENT_MS,
    applicationName: 'bursar-cli',
  })
}
