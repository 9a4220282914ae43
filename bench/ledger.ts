import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { CUBES } from '../src/ledger/cubes/cubes.ts'
import { type Ledger, rowsOf, run } from '../src/ledger/ledger.ts'
import { migrate } from '../src/ledger/migrate.ts'
import { openLedger } from '../src/ledger/open.ts'
import { listPartitions, monthOf } from '../src/ledger/partitions.ts'
import { dropMonth } from '../src/ledger/retention.ts'
import { startPostgres } from '../test/helpers/services/index.ts'
import { type Bench, round } from './bench.ts'
import { type Measured, measure } from './ledger/measure.ts'
import { preparePlain } from './ledger/plain.ts'
import { seed } from './ledger/seed.ts'

const MONTHS = 13
const TENANTS = 500
const END_MS = Date.UTC(2026, 10, 15)
const DEFAULT_CALLS = 100_000
/** Calls that are drained and inserted each time that it is measured. */
const MEASURED_CALLS = 5_000
/** Months after which it is measured; before the first, too. */
const MEASURED_AFTER: readonly number[] = [1, 4, 7, 10, 13]
const DAY_MS = 86_400_000

/**
 * The ledger at size: it is filled month by month, and in between some thousand calls are drained, while the same rows
 * are also inserted plainly into tables like it; then the oldest month is dropped. `--database` names an empty database
 * that is filled and kept.
 */
export const bench: Bench = async ({ note, entries: calls = DEFAULT_CALLS, database }) => {
  const server = database === undefined ? await startPostgres({ args: SETTINGS }) : null
  const databaseUrl = database ?? server?.url ?? ''
  await migrate(databaseUrl)
  const ledger = await openLedger({ databaseUrl, statementTimeoutMs: 1_800_000 })
  try {
    note(`${calls} calls over ${MONTHS} months and ${TENANTS} tenants`)
    const measured = await fillAndMeasure(ledger, calls)
    await run(ledger.db, sql`drop schema plain cascade`)
    await run(ledger.db, sql`vacuum analyze`)
    const sizes = await sizesOf(ledger)
    return { ...rates(measured), ...sizes, ...(await dropOldest(ledger)) }
  } finally {
    await ledger.close()
    await server?.stop()
  }
}

const SETTINGS = ['-c', 'shared_buffers=512MB', '-c', 'max_wal_size=4GB']

async function fillAndMeasure(ledger: Ledger, calls: number): Promise<readonly Measured[]> {
  const measured: Measured[] = []
  const look = async (monthFromMs: number, at: number) => {
    const fromMs = monthFromMs + 14 * DAY_MS
    measured.push(await measure(ledger, { at, fromMs, calls: MEASURED_CALLS, tenants: TENANTS }))
  }
  await preparePlain(ledger)
  // Once for nothing: what is slow only at first counts on neither side.
  await look(monthOf(END_MS, 1).fromMs, -1)
  measured.length = 0
  let months = 0
  await seed(ledger, {
    ...{ seed: 1, calls, months: MONTHS, tenants: TENANTS, endMs: END_MS },
    async onMonth(monthFromMs, at) {
      months += 1
      if (MEASURED_AFTER.includes(months)) await look(monthFromMs, at)
    },
  })
  return measured
}

function rates(measured: readonly Measured[]): Record<string, number> {
  const total = (of: (one: Measured) => number) => measured.reduce((sum, one) => sum + of(one), 0)
  const drainOfPlain = total((one) => one.plainMs) / total((one) => one.drainMs)
  const each = measured.flatMap(({ at, entries, drainMs, plainMs }) => [
    [`drain of plain at ${at} calls`, round(plainMs / drainMs)] as const,
    [`drained per second at ${at} calls`, round(entries / (drainMs / 1_000), 0)] as const,
  ])
  return { drainOfPlain: round(drainOfPlain), ...Object.fromEntries(each) }
}

const Size = z.object({ name: z.string(), bytes: z.coerce.number(), rows: z.coerce.number() })

/** Bytes of each table and its indexes for each call. */
async function sizesOf({ db }: Ledger): Promise<Record<string, number>> {
  const tables = [
    ...['postings', 'entries', 'requests', 'window_totals'],
    ...CUBES.map(({ table }) => table),
  ]
  const parts = tables.map(
    (name) => `select '${name}' as name, (select count(*) from ${name}) as rows,
      greatest(pg_total_relation_size('${name}'),
        (select sum(pg_total_relation_size(relid)) from pg_partition_tree('${name}'))) as bytes`,
  )
  const sizes = await rowsOf(db, Size, sql.raw(parts.join(' union all ')))
  const calls = sizes.find(({ name }) => name === 'entries')?.rows ?? 1
  const bytes = sizes.reduce((sum, one) => sum + one.bytes, 0)
  return {
    calls,
    bytesPerCall: round(bytes / calls, 0),
    ...Object.fromEntries(
      sizes.flatMap((one) => [
        [`${one.name} rows`, one.rows],
        [`${one.name} bytes per call`, round(one.bytes / calls, 0)],
      ]),
    ),
  }
}

async function dropOldest(ledger: Ledger) {
  const [oldest] = await listPartitions(ledger)
  if (!oldest) return {}
  const times = { forwardMs: 0, dropMs: 0, forgetMs: 0 }
  await dropMonth(ledger, oldest, END_MS, (step, ms) => {
    times[`${step}Ms`] += round(ms, 0)
  })
  return times
}
