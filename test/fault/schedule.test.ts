import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { sql } from 'drizzle-orm'
import { expect, vi } from 'vitest'
import { z } from 'zod'
import { SafeInteger } from '../../src/ledger/columns.ts'
import { type Ledger, rowsOf, run } from '../../src/ledger/ledger.ts'
import { registerJobs } from '../../src/schedule/claims.ts'
import { type JobRun, listRuns } from '../../src/schedule/history.ts'
import { compiled } from '../helpers/compiled.ts'
import { ledgerTest } from '../helpers/ledgers.ts'
import { START_MS, TEST_JOBS } from './schedule-jobs.ts'

const CHILD = await compiled(new URL('./schedule-child.ts', import.meta.url))
/** BURSAR_TICKS=1000 takes about a minute. */
const TICKS = Number(process.env.BURSAR_TICKS ?? 40)
const KILLS = Math.max(2, Math.round(TICKS / 50))
const REPLICAS = 3
const TICK_MS = 1_000
/** A second takes 50 ms. */
const SPEED = 20

/** Keeps three replicas up, kills one of them at random moments, and stops when the last tick is on record. */
async function runReplicas(databaseUrl: string, hasEnded: () => Promise<boolean>): Promise<number> {
  const lastMs = START_MS + TICKS * TICK_MS
  const env = { ...process.env, DATABASE_URL: databaseUrl, SPEED: String(SPEED) }
  const replicas = new Set<ChildProcess>()
  let ended = () => {}
  const done = new Promise<void>((resolve) => {
    ended = resolve
  })
  let baseMs = 0
  let runs = 0
  let kills = 0
  const start = () => {
    const child = spawn(process.execPath, [CHILD], {
      env: { ...env, BASE_MS: String(baseMs) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    replicas.add(child)
    void hear(child)
  }
  const hear = async (child: ChildProcess) => {
    if (!child.stdout) return
    let ticks = 0
    for await (const line of createInterface({ input: child.stdout })) {
      const [name, tick] = line.split(' ')
      if (name === 'each' && Number(tick) >= lastMs) ended()
      if (name === 'each') ticks += 1
      runs += 1
      // Its first is on record once it runs another: whatever else is chance, a killed one has taken part.
      if (runs < 20 * (kills + 1) || kills >= KILLS || ticks < 2 || !replicas.has(child)) continue
      kills += 1
      // Who ran this and has not yet said so to the ledger, so that others must go on; each third time any.
      const victim = kills % 3 === 0 ? [...replicas][kills % replicas.size] : child
      if (victim) replicas.delete(victim)
      victim?.kill('SIGKILL')
      start()
    }
  }
  baseMs = Date.now()
  for (let i = 0; i < REPLICAS; i++) start()
  await done
  // A replica says so a moment before it is on record.
  await vi.waitUntil(hasEnded, { timeout: 60_000, interval: 20 })
  const ends = [...replicas].map((child) => once(child, 'exit'))
  for (const child of replicas) child.kill('SIGKILL')
  await Promise.all(ends)
  return kills
}

const Ran = z.object({ pid: z.int(), what: z.string(), atUs: SafeInteger })

const ranBy = (ledger: Ledger, job: string) =>
  rowsOf(
    ledger.db,
    Ran,
    sql`
      select pid, what, (extract(epoch from at) * 1000000)::bigint as "atUs" from ran
      where job = ${job} order by at`,
  )

const historyOf = async (ledger: Ledger, job: string): Promise<readonly JobRun[]> =>
  (await listRuns(ledger, { job, limit: 10_000 }))
    .filter(({ tickMs }) => tickMs <= START_MS + TICKS * TICK_MS)
    .toReversed()

ledgerTest(
  'among three replicas that are killed at random, each tick of each job runs to its end once, or once late',
  { timeout: 300_000 },
  async ({ databaseUrl, ledger }) => {
    await run(
      ledger.db,
      sql`create table ran (job text, tick_ms bigint, pid int, at timestamptz, what text)`,
    )
    await registerJobs(ledger, TEST_JOBS, START_MS)
    const kills = await runReplicas(
      databaseUrl,
      async () => (await historyOf(ledger, 'each')).at(TICKS - 1)?.state === 'done',
    )
    expect(kills).toBeGreaterThanOrEqual(2)

    const each = await historyOf(ledger, 'each')
    const wanted = Array.from({ length: TICKS }, (_, at) => START_MS + (at + 1) * TICK_MS)
    expect(each.map(({ tickMs }) => tickMs)).toEqual(wanted)
    expect(new Set(each.map(({ state }) => state))).toEqual(new Set(['done']))

    const newest = await historyOf(ledger, 'newest')
    for (const [at, one] of newest.entries()) {
      const before = newest[at - 1]?.tickMs ?? START_MS
      expect(one.tickMs - before).toBe((one.missed + 1) * TICK_MS)
    }
    expect(newest.slice(0, -1).every(({ state }) => state === 'done')).toBe(true)
    expect(new Set(each.map(({ claimedBy }) => claimedBy)).size).toBeGreaterThanOrEqual(REPLICAS)

    for (const { name } of TEST_JOBS) {
      let inside: number | null = null
      for (const { pid, what } of await ranBy(ledger, name)) {
        // Who began and never ended was killed: nobody else is inside while it lives.
        if (what === 'ended') expect(inside).toBe(pid)
        inside = what === 'began' ? pid : null
      }
    }
  },
)
