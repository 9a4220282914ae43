import { sql } from 'drizzle-orm'
import { type Ledger, run } from '../../src/ledger/ledger.ts'
import type { TickedJob } from '../../src/schedule/types.ts'

/** Where the ticks of the test begin. */
export const START_MS = Date.UTC(2026, 10, 21)

/** Says when each run began and ended, by the database's clock. */
const work = (name: string) => async (ledger: Ledger, tick: { readonly atMs: number }) => {
  const mine = sql`${name}, ${tick.atMs}::bigint, ${process.pid}, clock_timestamp()`
  await run(ledger.db, sql`insert into ran (job, tick_ms, pid, at, what) values (${mine}, 'began')`)
  await run(ledger.db, sql`select pg_sleep(0.004)`)
  await run(ledger.db, sql`insert into ran (job, tick_ms, pid, at, what) values (${mine}, 'ended')`)
  return { pid: process.pid }
}

const job = (name: string, more: Pick<TickedJob<Ledger>, 'schedule' | 'missed'>) => ({
  ...{ name, about: name, limitMs: 5_000, tries: 50, run: work(name) },
  ...more,
})

/** Two of every second, one of which runs what was missed once. */
export const TEST_JOBS: readonly TickedJob<Ledger>[] = [
  job('each', { schedule: '* * * * * *', missed: 'each' }),
  job('newest', { schedule: '* * * * * *', missed: 'latest' }),
]
