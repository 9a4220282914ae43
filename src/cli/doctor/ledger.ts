import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { maskAddress, type Options } from '../../config/options.ts'
import { isBursarError } from '../../errors.ts'
import { type Ledger, rowsOf } from '../../ledger/ledger.ts'
import { openLedger } from '../../ledger/open.ts'
import { type Finding, ok, skipped, wrong, wrongBy } from './finding.ts'

/** A ledger that the later checks may use; absent when it cannot be opened. */
export interface LedgerExam {
  readonly findings: readonly Finding[]
  readonly ledger?: Ledger
}

const PATIENCE_MS = 3_000
const OLDEST_VERSION_NUM = 140_000

const VersionRow = z.object({ name: z.string(), number: z.coerce.number().int() })

/** Looks whether PostgreSQL is there, new enough and migrated. The caller closes what it gets. */
export async function examineLedger({ DATABASE_URL }: Options): Promise<LedgerExam> {
  if (!DATABASE_URL) {
    const mend = 'set DATABASE_URL, e.g. postgres://bursar@127.0.0.1:5432/bursar'
    return { findings: [wrong('postgres', 'DATABASE_URL is not set', mend), ...without()] }
  }
  try {
    const ledger = await openLedger({
      databaseUrl: DATABASE_URL,
      poolSize: 1,
      connectTimeoutMs: PATIENCE_MS,
      statementTimeoutMs: PATIENCE_MS,
      applicationName: 'bursar-doctor',
    })
    const findings = [ok('postgres', `answers at ${maskAddress(DATABASE_URL)}`)]
    return { ledger, findings: [...findings, ...(await judgeVersion(ledger))] }
  } catch (error) {
    if (!isBursarError(error, 'LEDGER_NOT_MIGRATED')) {
      return { findings: [wrongBy('postgres', error), ...without()] }
    }
    const answers = ok('postgres', `answers at ${maskAddress(DATABASE_URL)}`)
    return { findings: [answers, wrongBy('postgres migrations', error)] }
  }
}

const without = (): Finding[] => [
  skipped('postgres version', 'see postgres'),
  skipped('postgres migrations', 'see postgres'),
]

async function judgeVersion(ledger: Ledger): Promise<Finding[]> {
  const [row] = await rowsOf(
    ledger.db,
    VersionRow,
    sql`select current_setting('server_version') as name, current_setting('server_version_num') as number`,
  )
  const { name = 'unknown', number = 0 } = row ?? {}
  const version =
    number >= OLDEST_VERSION_NUM
      ? ok('postgres version', name)
      : wrong('postgres version', name, 'run PostgreSQL 14 or later')
  return [version, ok('postgres migrations', 'all applied')]
}
