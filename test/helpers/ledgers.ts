import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, test } from 'vitest'
import { openEmbeddedDatabase } from '../../src/embedded/database.ts'
import { CUBES } from '../../src/ledger/cubes/cubes.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { openSockets } from './open-sockets.ts'
import { freshDatabase } from './postgres.ts'

/** A ledger of a test file's own, with what it stands on. */
export interface TestLedger {
  readonly ledger: Ledger
  close(): Promise<void>
}

/** Both databases that the ledger runs on; suites run once on each. */
export const LEDGER_STORES = [
  { name: 'PostgreSQL', open: openOnPostgres },
  { name: 'PGlite', open: () => openEmbeddedDatabase({ folder: null }) },
] as const

async function openOnPostgres(): Promise<TestLedger> {
  const ledger = await openLedger({ databaseUrl: await freshDatabase() })
  return { ledger, close: ledger.close }
}

/** Opens a ledger before the tests of a suite and closes it after them; `ledger` is there once they run. */
export function openForSuite(open: () => Promise<TestLedger>): Pick<TestLedger, 'ledger'> {
  let opened: TestLedger | undefined
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened?.close())
  return {
    get ledger() {
      if (!opened) throw new Error('the suite has not begun')
      return opened.ledger
    },
  }
}

/** Back to a ledger that nobody has written to. */
export async function emptyLedger({ db }: Ledger): Promise<void> {
  await db.execute(sql`
    truncate postings, entries, requests, window_totals, window_forward, dropped_months, threshold_events,
      ledger_conflicts, policies, credits, user_tiers, adjustments, audit,
      ${sql.raw(CUBES.map(({ table }) => table).join(', '))}
    restart identity`)
  await db.execute(sql`update slot set epoch = 0, watermark = '0'`)
}

/** A test with a database and an open ledger of its own. It fails when it leaves a connection open. */
export const ledgerTest = test.extend<{ databaseUrl: string; ledger: Ledger }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the parameter to know what a fixture needs
  databaseUrl: async ({}, use) => {
    await use(await freshDatabase())
  },
  ledger: async ({ databaseUrl }, use) => {
    const sockets = openSockets()
    const ledger = await openLedger({ databaseUrl })
    await use(ledger)
    await ledger.close()
    await sockets.stillTheOnlyOnes()
  },
})
