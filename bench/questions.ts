import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { formatOf } from '../src/ledger/exports/formats.ts'
import { exportPage } from '../src/ledger/exports/rows.ts'
import { EXPORT_PAGE_ROWS, writeExport } from '../src/ledger/exports/write.ts'
import type { Ledger } from '../src/ledger/ledger.ts'
import { run } from '../src/ledger/ledger.ts'
import { migrate } from '../src/ledger/migrate.ts'
import { openLedger } from '../src/ledger/open.ts'
import { listPartitions } from '../src/ledger/partitions.ts'
import { spend } from '../src/ledger/questions/spend.ts'
import { startPostgres } from '../test/helpers/services/index.ts'
import { type Bench, round } from './bench.ts'
import { QUESTIONS } from './ledger/questions.ts'
import { seed } from './ledger/seed.ts'

const DEFAULT_CALLS = 100_000
const MONTHS = 13
const TENANTS = 500
/** Where the made-up ledger of `bench ledger` ends, too. */
const END_MS = Date.UTC(2026, 10, 15)
const WARM_TIMES = 3
const TIMES = 20
const SAMPLE_MS = 20

/**
 * Each question of finance over a year of calls, warm, in ms; then a FOCUS file of the whole ledger: its peak of memory, its rate, and
 * whether it adds up to what `usage` says. `--database` names one that `bench ledger` filled and kept.
 */
export const bench: Bench = async ({ note, entries: calls = DEFAULT_CALLS, database }) => {
  const server = database === undefined ? await startPostgres({ args: SETTINGS }) : null
  const databaseUrl = database ?? server?.url ?? ''
  await migrate(databaseUrl)
  const ledger = await openLedger({ databaseUrl, statementTimeoutMs: 1_800_000 })
  try {
    if (database === undefined) {
      note(`${calls} calls over ${MONTHS} months and ${TENANTS} tenants`)
      await seed(ledger, { seed: 1, calls, months: MONTHS, tenants: TENANTS, endMs: END_MS })
      await run(ledger.db, sql`vacuum analyze`)
    }
    return { ...(await askAll(ledger, note)), ...(await exportAll(ledger, note)) }
  } finally {
    await ledger.close()
    await server?.stop()
  }
}

const SETTINGS = ['-c', 'shared_buffers=512MB', '-c', 'max_wal_size=4GB']

async function askAll(ledger: Ledger, note: (text: string) => void) {
  const figures: Record<string, number> = {}
  let slowest = 0
  for (const [name, ask] of Object.entries(QUESTIONS)) {
    for (let time = 0; time < WARM_TIMES; time += 1) await ask(ledger, END_MS)
    const times: number[] = []
    for (let time = 0; time < TIMES; time += 1) {
      const startMs = performance.now()
      await ask(ledger, END_MS)
      times.push(performance.now() - startMs)
    }
    const sorted = times.toSorted((a, b) => a - b)
    const [p50, p95] = [sorted[Math.floor(TIMES / 2)] ?? 0, sorted[Math.floor(TIMES * 0.95)] ?? 0]
    note(`${name}: ${round(p50, 1)} ms`)
    figures[`${name}, p50 ms`] = round(p50, 1)
    figures[`${name}, p95 ms`] = round(p95, 1)
    slowest = Math.max(slowest, p50)
  }
  return { ...figures, slowestP50Ms: round(slowest, 1) }
}

/** A million rows at most: what grows with rows would show by then. */
const MOST_ROWS = 1_000_000

async function exportAll(ledger: Ledger, note: (text: string) => void) {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-export-'))
  const out = createWriteStream(join(folder, 'focus.csv'))
  const range = await firstCalls(ledger)
  const baseMb = residentMb()
  let peakMb = baseMb
  const sampler = setInterval(() => {
    peakMb = Math.max(peakMb, residentMb())
  }, SAMPLE_MS)
  const startMs = performance.now()
  try {
    const written = await writeExport(
      (after) => exportPage(ledger, { ...range, limit: EXPORT_PAGE_ROWS, ...(after && { after }) }),
      formatOf({ format: 'focus', focusVersion: '1.4', account: { id: 'bursar', name: null } }),
      out,
    )
    const seconds = (performance.now() - startMs) / 1_000
    out.end()
    await once(out, 'close')
    note(`${written.rows} rows of FOCUS in ${round(seconds, 0)} s`)
    const { total } = await spend(ledger, {
      ...{ range, by: [], where: {}, measures: ['costNano'], rankBy: 'costNano', top: 1 },
    })
    return {
      exportRows: written.rows,
      exportRowsPerSecond: round(written.rows / seconds, 0),
      exportPeakMb: round(peakMb, 0),
      exportGrewByMb: round(peakMb - baseMb, 0),
      exportEqualsUsage: written.costNano === total.now.costNano ? 'yes' : 'no',
    }
  } finally {
    clearInterval(sampler)
    out.destroy()
    await rm(folder, { recursive: true, force: true })
  }
}

const residentMb = (): number => process.memoryUsage.rss() / 1_048_576

/** From the first month that was not dropped until the day on which the millionth call was made. */
async function firstCalls(ledger: Ledger) {
  const [oldest] = await listPartitions(ledger)
  const fromMs = oldest?.fromMs ?? 0
  let toMs = END_MS + 60 * 86_400_000
  const calls = async () => {
    const { total } = await spend(ledger, {
      ...{ range: { fromMs, toMs }, by: [], where: {}, measures: ['calls'], rankBy: 'calls' },
      top: 1,
    })
    return total.now.calls
  }
  while ((await calls()) > MOST_ROWS * 1.02) toMs -= 86_400_000
  return { fromMs, toMs }
}
