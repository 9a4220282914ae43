import { describe, expect, test } from 'vitest'
import { migrate } from '../../src/ledger/migrate.ts'
import { assertMigrated } from '../../src/ledger/migrations.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { readSlotRow } from '../../src/ledger/slot-row.ts'
import { LEDGER_STORES, ledgerTest } from '../helpers/ledgers.ts'
import { emptyDatabase, onDatabase, withClient } from '../helpers/postgres.ts'

describe('migrate', () => {
  test('twenty clients at once and once more leave one migrated ledger', async () => {
    const url = await emptyDatabase()
    await Promise.all(Array.from({ length: 20 }, () => migrate(url)))
    await migrate(url)
    const ledger = await openLedger({ databaseUrl: url })
    expect(await readSlotRow(ledger)).toEqual({ epoch: 0, watermark: '0' })
    await ledger.close()
    const ran = await withClient(url, (client) =>
      client.query(
        'select count(*)::int as n, count(distinct hash)::int as distinct from bursar_migrations',
      ),
    )
    expect(ran.rows[0].n).toBe(ran.rows[0].distinct)
  })

  test('a database without tables is refused with the command that mends it', async () => {
    const opening = openLedger({ databaseUrl: await emptyDatabase() })
    await expect(opening).rejects.toMatchObject({
      code: 'LEDGER_NOT_MIGRATED',
      message: expect.stringContaining('npx bursar migrate'),
    })
  })

  ledgerTest(
    'a database that lacks the newest migration is refused',
    async ({ ledger, databaseUrl }) => {
      await assertMigrated(ledger.db)
      await withClient(databaseUrl, (client) =>
        client.query(
          'delete from bursar_migrations where id = (select max(id) from bursar_migrations)',
        ),
      )
      await expect(openLedger({ databaseUrl })).rejects.toMatchObject({
        code: 'LEDGER_NOT_MIGRATED',
      })
    },
  )

  test.each([
    ['a port where nobody listens', (url: string) => url.replace(/:\d+\//, ':1/'), true],
    ['a database that is not there', (url: string) => onDatabase(url, 'missing'), false],
  ])('%s is a typed error, for opening and for migrating', async (_name, wrong, retryable) => {
    const url = wrong(await emptyDatabase())
    const expected = { code: 'LEDGER_UNAVAILABLE', retryable }
    await expect(openLedger({ databaseUrl: url })).rejects.toMatchObject(expected)
    await expect(migrate(url)).rejects.toMatchObject(expected)
  })

  test.each(LEDGER_STORES)('$name opens', async ({ open }) => {
    const { ledger, close } = await open()
    expect(await readSlotRow(ledger)).toEqual({ epoch: 0, watermark: '0' })
    await close()
  })
})
