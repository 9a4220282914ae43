import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { AdminPlace } from '../../src/admin/command.ts'
import { repriceCommand } from '../../src/admin/reprice.ts'
import type { PostingKind } from '../../src/admission/outbox.ts'
import { policyToJson } from '../../src/config/policy-json.ts'
import { CUBES } from '../../src/ledger/cubes/cubes.ts'
import { cubeDifferences } from '../../src/ledger/cubes/scan.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import { type Ledger, rowsOf } from '../../src/ledger/ledger.ts'
import {
  createPartitions,
  listPartitions,
  type Month,
  monthOf,
  partitionName,
  TABLE_NAMES,
} from '../../src/ledger/partitions.ts'
import { registerPolicy } from '../../src/ledger/policies.ts'
import { windowDifferences } from '../../src/ledger/queries/disagreements.ts'
import { dropOldMonths } from '../../src/ledger/retention.ts'
import { dyingAt, dyingBeforeCommit } from '../helpers/dying.ts'
import { emptyLedger, LEDGER_STORES, openForSuite } from '../helpers/ledgers.ts'
import { MemoryOutbox } from '../helpers/memory-outbox.ts'
import { attemptMeta, posting, requestEnd, settleDetail } from '../helpers/outbox-entries.ts'
import { policyOf } from '../unit/plan-policy.ts'

const START_MS = Date.UTC(2026, 0, 31, 23, 30)
const HOUR_MS = 3_600_000
const KEPT_MONTHS = 2

/** What may happen to a ledger over some months, in any order. */
const Step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('post' as const),
      attempt: fc.nat(3),
      /** 1 = it was admitted a month ago: a late bill. */
      late: fc.nat(1),
      kind: fc.constantFrom<PostingKind>('settled', 'unconfirmed', 'adjustment', 'released'),
      deltaNano: fc.integer({ min: -500, max: 1_000 }),
      seen: fc.boolean(),
      ends: fc.boolean(),
      /** The caller does not know when it was admitted. */
      forgetful: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      job: fc.nat(3),
      outcome: fc.constantFrom('refused' as const, 'cached' as const, 'failed' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('drain' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('die' as const),
      at: fc.constantFrom('read' as const, 'commit' as const, 'acknowledge' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('reprice' as const),
      usd: fc.integer({ min: 101, max: 103 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('make months' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop months' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('a month passes' as const) }) },
)
type Step = typeof Step extends fc.Arbitrary<infer T> ? T : never

const call = {
  do: 'post',
  attempt: 1,
  kind: 'settled',
  seen: true,
  ends: true,
  forgetful: false,
} as const
/** Two calls that are priced again, one of them late, and a month that is dropped: what chance may leave out. */
const EVERYTHING: Step[] = [
  { ...call, late: 0, deltaNano: 700 },
  ...([{ do: 'make months' }, { do: 'drain' }, { do: 'reprice', usd: 101 }] as const),
  ...([{ do: 'a month passes' }, { ...call, late: 1, deltaNano: 20 }, { do: 'drain' }] as const),
  ...([{ do: 'reprice', usd: 102 }, { do: 'a month passes' }, { do: 'a month passes' }] as const),
  ...([{ do: 'drop months' }, { do: 'reprice', usd: 103 }] as const),
]

/** What was said to the ledger, and what it must add up to whatever became of the rows. */
class World {
  readonly outbox = new MemoryOutbox()
  month = 0
  readonly attempts = new Set<string>()
  readonly jobs = new Set<string>()
  costNano = 0
  /** Calls that were priced again. */
  repriced = 0
  private readonly revisions = new Map<string, number>()
  private readonly said: ReturnType<typeof posting>[] = []

  get nowMs(): number {
    return monthOf(START_MS, this.month).fromMs + 36 * HOUR_MS
  }

  post(step: Step & { do: 'post' }): void {
    const month = monthOf(this.nowMs, -step.late)
    const job = `${month.name}-job-${step.attempt}`
    const attempt = `${job}/a`
    const rev = (this.revisions.get(attempt) ?? 0) + 1
    this.revisions.set(attempt, rev)
    const windows = ['company:total', `company:${month.name}`, `user:${month.name}-15T14`]
    const one = posting({
      ...{ attempt, job, rev, kind: step.kind, deltaNano: step.deltaNano, windows },
      admittedAtMs: month.fromMs + step.attempt * 20 * HOUR_MS,
      postedAtMs: this.nowMs,
      meta: attemptMeta({
        user: `u${step.attempt}`,
        tags: { feature: `f${step.attempt % 2}`, 'bursar.key': 'key-1' },
      }),
      detail: step.seen ? settleDetail({ listNano: 100 * rev, savedNano: rev }) : null,
      outcome: step.ends ? 'answered' : null,
    })
    this.attempts.add(attempt)
    if (step.ends) this.jobs.add(job)
    this.costNano += step.deltaNano
    this.said.push(one)
    this.outbox.append(step.forgetful && rev > 1 ? { ...one, admittedAtMs: 0 } : one)
  }

  repeat(which: number): void {
    // Of months that may be gone nothing is said again.
    const sinceMs = monthOf(this.nowMs, -1).fromMs
    const again = this.said.filter(({ admittedAtMs }) => admittedAtMs >= sinceMs)
    const one = again[which % Math.max(1, again.length)]
    if (one) this.outbox.append(one)
  }

  end({ job, outcome }: Step & { do: 'end' }): void {
    const name = `${monthOf(this.nowMs).name}-job-${job}`
    this.jobs.add(name)
    this.outbox.append(requestEnd({ job: name, outcome, savedNano: 7, postedAtMs: this.nowMs }))
  }
}

/** As `bursar reprice` does it, over everything that is kept, under another price than before. */
async function reprice(ledger: Ledger, world: World, usd: number): Promise<void> {
  const priced = policyOf(
    (text) => `${text}
prices: [{ model: gpt-6-astra, input: "${usd}", output: "${usd}" }]
`,
  )
  await registerPolicy(ledger, policyToJson(priced))
  const place = { by: 'finance', ledger: async () => ledger } as AdminPlace
  const range = { fromMs: 0, toMs: monthOf(world.nowMs, 1).fromMs, dryRun: false }
  const { differing } = await repriceCommand.run(place, range)
  world.repriced += differing
  // Again finds nothing: what was appended is counted.
  expect((await repriceCommand.run(place, range)).differing).toBe(0)
}

async function take(ledger: Ledger, world: World, step: Step): Promise<void> {
  const { outbox } = world
  if (step.do === 'post') world.post(step)
  if (step.do === 'repeat') world.repeat(step.which)
  if (step.do === 'end') world.end(step)
  if (step.do === 'drain') await drainOnce(ledger, outbox, { batch: 3 })
  if (step.do === 'die') await die(ledger, outbox, step.at)
  if (step.do === 'reprice') await reprice(ledger, world, step.usd)
  if (step.do === 'make months') await createPartitions(ledger, world.nowMs, 1)
  if (step.do === 'a month passes') {
    // What is older than 72 hours is refused by the slot: nothing of the month before is under way any more.
    await drainAll(ledger, outbox)
    world.month += 1
  }
  if (step.do === 'drop months') await dropOldMonths(ledger, world.nowMs, KEPT_MONTHS)
}

async function die(ledger: Ledger, outbox: MemoryOutbox, at: 'read' | 'commit' | 'acknowledge') {
  const dead =
    at === 'commit'
      ? drainOnce(dyingBeforeCommit(ledger), outbox, { batch: 3 })
      : drainOnce(ledger, dyingAt(outbox, at), { batch: 3 })
  await dead.catch((error: unknown) => expect(String(error)).toContain('died'))
}

async function drainAll(ledger: Ledger, outbox: MemoryOutbox): Promise<void> {
  while ((await drainOnce(ledger, outbox, { batch: 4 })).state === 'drained');
}

const Sums = z.object({
  cost: z.coerce.number(),
  calls: z.coerce.number(),
  requests: z.coerce.number(),
})

const sumsOf = async ({ db }: Ledger, cube: string) =>
  await rowsOf(
    db,
    Sums,
    sql.raw(`
      select coalesce(sum(cost_nano) filter (where kind <> 'adjustment'), 0) as cost,
        coalesce(sum(calls), 0) as calls, coalesce(sum(requests), 0) as requests from ${cube}`),
  )

const Count = z.object({ rows: z.coerce.number() })
const droppedMonths = async ({ db }: Ledger): Promise<number> =>
  (await rowsOf(db, Count, sql`select count(*) as rows from dropped_months`))[0]?.rows ?? 0

async function dropAllMonths(ledger: Ledger): Promise<void> {
  const drop = (month: Month) =>
    TABLE_NAMES.map((table) => `drop table ${partitionName(table, month)}`)
  const months = await listPartitions(ledger)
  for (const statement of months.flatMap(drop)) await ledger.db.execute(sql.raw(statement))
  await ledger.db.execute(sql`truncate adjustments`)
}

describe.each(LEDGER_STORES)('cubes on $name', ({ name, open }) => {
  const suite = openForSuite(open)

  // Red when: an entry that was there is not taken away before what became of it is added; a repeated posting is counted;
  // a refusal stays beside the end that replaced it; a posting that does not know its admission goes to another month;
  // a dropped month is not brought forward; what is priced again is not added to one of the sums.
  test('equal a full scan after any history, and no sum is lost with a month that is dropped', async () => {
    const { ledger } = suite
    let [repriced, dropped] = [0, 0]
    const law = fc.asyncProperty(fc.array(Step, { maxLength: 30, size: 'max' }), async (steps) => {
      await dropAllMonths(ledger)
      await emptyLedger(ledger)
      const world = new World()
      for (const step of steps) await take(ledger, world, step)
      await drainAll(ledger, world.outbox)
      expect(await cubeDifferences(ledger)).toEqual([])
      expect(await windowDifferences(ledger)).toEqual([])
      const { costNano: cost, attempts, jobs } = world
      const all = [{ cost, calls: attempts.size, requests: jobs.size }]
      repriced += world.repriced
      dropped += await droppedMonths(ledger)
      for (const { table, byTag } of CUBES) {
        if (!byTag) expect(await sumsOf(ledger, table)).toEqual(all)
      }
    })
    await fc.assert(law, { numRuns: name === 'PGlite' ? 12 : 25, examples: [[EVERYTHING]] })
    expect(Math.min(repriced, dropped)).toBeGreaterThan(0)
  })
})
