import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { CUBES } from '../../src/ledger/cubes/cubes.ts'
import { usageOver } from '../../src/ledger/cubes/over.ts'
import { cubeDifferences } from '../../src/ledger/cubes/scan.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import { type Ledger, rowsOf } from '../../src/ledger/ledger.ts'
import { MIGRATIONS } from '../../src/ledger/migrations.ts'
import { createPartitions, listPartitions, monthOf } from '../../src/ledger/partitions.ts'
import { windowDifferences } from '../../src/ledger/queries/disagreements.ts'
import { getRequest } from '../../src/ledger/queries/get-request.ts'
import { report } from '../../src/ledger/queries/report.ts'
import { windowTotals } from '../../src/ledger/queries/window-sums.ts'
import { dropMonth, dropOldMonths } from '../../src/ledger/retention.ts'
import { LEDGER_STORES } from '../helpers/ledgers.ts'
import { MemoryOutbox } from '../helpers/memory-outbox.ts'
import { posting, requestEnd } from '../helpers/outbox-entries.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 14)
const DAY_MS = 86_400_000

/** A call a day and a hit every other day, for so many days before now. */
function history(days: number): MemoryOutbox {
  const outbox = new MemoryOutbox()
  for (let day = days - 1; day >= 0; day -= 1) {
    const admittedAtMs = NOW_MS - day * DAY_MS
    const date = new Date(admittedAtMs).toISOString().slice(0, 10)
    const windows = ['company:total', `company:${date.slice(0, 7)}`, `daily:${date}`]
    const job = `job-${day}`
    outbox.append(
      posting({
        ...{ job, attempt: `${job}/a`, deltaNano: 100 + day, bookedNano: 100 + day, windows },
        ...{ admittedAtMs, postedAtMs: admittedAtMs + 500 },
      }),
    )
    if (day % 2 === 0) continue
    const hit = { job: `hit-${day}`, outcome: 'cached' as const, savedNano: 7 }
    outbox.append(requestEnd({ ...hit, postedAtMs: admittedAtMs + 3_600_000 }))
  }
  return outbox
}

async function drainAll(ledger: Ledger, outbox: MemoryOutbox): Promise<void> {
  while ((await drainOnce(ledger, outbox, { batch: 50 })).state === 'drained');
}

const Count = z.object({ rows: z.coerce.number() })
const rowsIn = async ({ db }: Ledger, table: string): Promise<number> =>
  (await rowsOf(db, Count, sql.raw(`select count(*) as rows from ${table}`)))[0]?.rows ?? 0

const names = (months: readonly { readonly name: string }[]) => months.map(({ name }) => name)

/** What the migrations that made coarser sums wrote into them. */
const backfills = (): string[] =>
  ['0013_company_cubes', '0014_users_monthly', '0015_company_users_keys'].flatMap((name) =>
    readFileSync(join(MIGRATIONS.migrationsFolder, `${name}.sql`), 'utf8')
      .split('--> statement-breakpoint')
      .filter((statement) => statement.includes('INSERT INTO')),
  )

/** Red when a range is cut wrongly: an instant at an end is counted twice or not at all. */
const Sums = z.object({ cost: z.coerce.number(), requests: z.coerce.number() })
const SUMS = sql`coalesce(sum(cost_nano), 0) as cost, coalesce(sum(requests), 0) as requests`
const counted = (fromMs: number, toMs: number) => sql`
  select (select coalesce(sum(cost_nano), 0) from entries where admitted_at_ms >= ${fromMs}::bigint
      and admitted_at_ms < ${toMs}::bigint) as cost,
    (select count(*) from requests where ended_at_ms >= ${fromMs}::bigint
      and ended_at_ms < ${toMs}::bigint) as requests`

// One story: each test goes on where the one before it ended.
describe.each(LEDGER_STORES)('months of the ledger on $name', ({ open }) => {
  let ledger: Ledger
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ ledger, close } = await open())
    await drainAll(ledger, history(100))
  })
  afterAll(() => close())

  test('what came before its month was made moves there, and nothing is refused meanwhile', async () => {
    expect(await rowsIn(ledger, 'entries_default')).toBe(100)
    const before = await report(ledger, { groupBy: 'tenant' })
    const made = await createPartitions(ledger, NOW_MS, 2)
    expect(names(made)).toEqual([
      ...['2026-08', '2026-09', '2026-10', '2026-11', '2026-12', '2027-01'],
    ])
    expect(await createPartitions(ledger, NOW_MS, 2)).toEqual([])
    for (const table of ['postings', 'entries', 'requests']) {
      expect(await rowsIn(ledger, `${table}_default`)).toBe(0)
    }
    expect(await rowsIn(ledger, 'entries_2026_11')).toBe(21)
    expect(await report(ledger, { groupBy: 'tenant' })).toEqual(before)
    expect(await cubeDifferences(ledger)).toEqual([])
  })

  test('usage of any range is what its calls add up to, to the millisecond', async () => {
    const at = fc.integer({ min: -101 * 24, max: 48 }).map((hours) => NOW_MS + hours * 3_600_000)
    const law = fc.asyncProperty(at, at, fc.nat(1), async (a, b, late) => {
      const [fromMs, toMs] = [Math.min(a, b), Math.max(a, b) + late]
      const usage = sql`select ${SUMS} from ${usageOver({ fromMs, toMs })} usage`
      expect(await rowsOf(ledger.db, Sums, usage)).toEqual(
        await rowsOf(ledger.db, Sums, counted(fromMs, toMs)),
      )
    })
    await fc.assert(law, { numRuns: 40 })
  })

  test('months that are not kept are dropped: reports and totals stay, and the books agree', async () => {
    const before = await report(ledger, { groupBy: 'model' })
    const spent = (await windowTotals(ledger)).get('company:total')
    await expect(dropOldMonths(ledger, NOW_MS, 1)).rejects.toThrow('2 months')
    expect(names(await dropOldMonths(ledger, NOW_MS, 3))).toEqual(['2026-08'])
    expect(await rowsIn(ledger, 'entries')).toBe(100 - 18)
    expect(await getRequest(ledger, 'job-99')).toBeNull()
    expect(await report(ledger, { groupBy: 'model' })).toEqual(before)
    expect((await windowTotals(ledger)).get('company:total')).toEqual(spent)
    expect(await windowDifferences(ledger)).toEqual([])
    // Nobody asks for days of a month that is gone; one that may reach into the next month stays.
    const days = [...(await windowTotals(ledger)).keys()].filter((key) =>
      key.startsWith('daily:2026-08'),
    )
    expect(days).toEqual([
      'daily:2026-08-27',
      'daily:2026-08-28',
      'daily:2026-08-29',
      'daily:2026-08-30',
      'daily:2026-08-31',
    ])
    expect(await dropOldMonths(ledger, NOW_MS, 3)).toEqual([])
  })

  // Red when: a statement of the migrations adds up other columns, or another cube, than the drain does.
  test('sums that a migration adds are what the drain would have kept, of dropped months too', async () => {
    const added = CUBES.filter(({ from, table }) => from !== null && table !== 'usage_monthly')
    const contents = () =>
      Promise.all(
        added.map(({ table, key }) =>
          ledger.db.execute(sql.raw(`select * from ${table} order by ${key.join(', ')}`)),
        ),
      )
    const kept = (await contents()).map(({ rows }) => rows)
    expect(kept.every(({ length }) => length > 0)).toBe(true)
    for (const { table } of added) await ledger.db.execute(sql.raw(`truncate ${table}`))
    for (const statement of backfills()) await ledger.db.execute(sql.raw(statement))
    expect((await contents()).map(({ rows }) => rows)).toEqual(kept)
  })

  test('a posting that comes while its month is dropped is in the books', async () => {
    const month = monthOf(Date.UTC(2026, 8, 1))
    const late = new MemoryOutbox()
    let isFirst = true
    const beside: Ledger = {
      ...ledger,
      async transaction(work) {
        const done = await ledger.transaction(work)
        if (isFirst) {
          isFirst = false
          late.append(lateOne('job-late-1', month.fromMs))
          await ledger.db.execute(sql`update slot set watermark = '0'`)
          await drainAll(ledger, late)
        }
        return done
      },
    }
    await dropMonth(beside, month, NOW_MS)
    expect(await windowDifferences(ledger)).toEqual([])
  })

  test('what comes to a month that was dropped is kept, and dropped with its own sum', async () => {
    const month = monthOf(Date.UTC(2026, 8, 1))
    const late = new MemoryOutbox()
    late.append(lateOne('job-late-2', month.fromMs))
    await ledger.db.execute(sql`update slot set watermark = '0'`)
    await drainAll(ledger, late)
    expect(await windowDifferences(ledger)).toEqual([])
    await createPartitions(ledger, NOW_MS, 0)
    expect(names(await listPartitions(ledger))).toContain('2026-09')
    expect(names(await dropOldMonths(ledger, NOW_MS, 2))).toEqual(['2026-09'])
    expect(await windowDifferences(ledger)).toEqual([])
    expect(await cubeDifferences(ledger)).toEqual([])
  })
})

const lateOne = (job: string, monthMs: number) =>
  posting({
    ...{ job, attempt: `${job}/a`, windows: ['company:total'], deltaNano: 11, bookedNano: 11 },
    ...{ admittedAtMs: monthMs + DAY_MS, postedAtMs: monthMs + DAY_MS },
  })
