import { readOptions } from '../config/options.ts'
import { BursarError } from '../errors.ts'
import type { Registration } from './command.ts'

/** `bursar migrate`: brings the ledger's database to this version. Safe to run twice and from many hosts at once. */
export const migrate: Registration = (program, { env, output }) => {
  program
    .command('migrate')
    .description('bring the ledger in DATABASE_URL to this version; safe to run again')
    .action(async () => {
      const { DATABASE_URL } = readOptions(env)
      if (!DATABASE_URL) {
        throw new BursarError(
          'INVALID_OPTIONS',
          'DATABASE_URL is not set: write the address of a PostgreSQL database, such as postgres://bursar@127.0.0.1:5432/bursar',
        )
      }
      const { migrate: migrateLedger } = await import('../ledger/migrate.ts')
      await migrateLedger(DATABASE_URL)
      output.line('the ledger is migrated')
    })
}
