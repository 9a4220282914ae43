import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareOutboxIds, type OutboxEntry, type PostingKind } from '../../src/admission/outbox.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { windowSums, windowTotals } from '../../src/ledger/queries/window-sums.ts'
import { beginEpoch, readSlotRow } from '../../src/ledger/slot-row.ts'
import { dyingAt, dyingBeforeCommit } from '../helpers/dying.ts'
import { emptyLedger, LEDGER_STORES, openForSuite } from '../helpers/ledgers.ts'
import { MemoryOutbox, type NewEntry } from '../helpers/memory-outbox.ts'
import { posting, requestEnd, settleDetail } from '../helpers/outbox-entries.ts'

/** What may happen to an outbox and its ledger, in any order. */
const Step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('post' as const),
      attempt: fc.nat(5),
      kind: fc.constantFrom<PostingKind>('settled', 'unconfirmed', 'adjustment', 'released'),
      deltaNano: fc.integer({ min: -500, max: 1_000 }),
      seen: fc.boolean(),
      ends: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse' as const), job: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('drain' as const),
      batch: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('drain twice' as const),
      batch: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('die' as const),
      at: fc.constantFrom('read' as const, 'commit' as const, 'acknowledge' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose the slot' as const) }) },
)
type Step = typeof Step extends fc.Arbitrary<infer T> ? T : never

/** The ledger as it must be: every entry of the outbox once, in order, except those lost with a slot. */
class Model {
  readonly outbox = new MemoryOutbox()
  /** Appended since the slot began, drained or not. */
  private stream: OutboxEntry[] = []
  /** In the ledger for ever. */
  private kept: OutboxEntry[] = []
  private readonly revisions = new Map<number, number>()

  append(entry: NewEntry): void {
    this.stream.push(this.outbox.append(entry))
  }

  post(step: Step & { do: 'post' }): void {
    const rev = (this.revisions.get(step.attempt) ?? 0) + 1
    this.revisions.set(step.attempt, rev)
    const job = `job-${step.attempt}`
    this.append(
      posting({
        ...{ attempt: `${job}/a`, job, rev, kind: step.kind, deltaNano: step.deltaNano },
        epoch: this.outbox.epoch,
        windows:
          step.attempt % 2
            ? ['company:2026-11']
            : ['company:2026-11', `odd%3A:2026-11-2${rev % 2}`],
        detail: step.seen ? settleDetail({ noteNano: rev }) : null,
        outcome: step.ends ? 'answered' : null,
      }),
    )
  }

  repeat(which: number): void {
    const postings = [...this.kept, ...this.stream].filter((entry) => entry.type === 'posting')
    const again = postings[which % Math.max(1, postings.length)]
    if (again) this.append(again)
  }

  /** The slot comes back empty; what the ledger had read of it stays. */
  reopen(epoch: number, watermark: string): void {
    this.kept.push(...this.stream.filter((entry) => compareOutboxIds(entry.id, watermark) <= 0))
    this.stream = []
    this.outbox.reopen(epoch)
  }

  all(): readonly OutboxEntry[] {
    return [...this.kept, ...this.stream]
  }
}

async function take(ledger: Ledger, model: Model, step: Step): Promise<void> {
  const { outbox } = model
  if (step.do === 'post') model.post(step)
  if (step.do === 'repeat') model.repeat(step.which)
  if (step.do === 'refuse') model.append(requestEnd({ job: `job-${step.job}` }))
  if (step.do === 'drain') await drainOnce(ledger, outbox, step)
  if (step.do === 'drain twice') {
    await Promise.all([drainOnce(ledger, outbox, step), drainOnce(ledger, outbox, step)])
  }
  if (step.do === 'die') await die(ledger, outbox, step.at)
  if (step.do === 'lose the slot') {
    const { watermark } = await readSlotRow(ledger)
    const { epoch } = await beginEpoch(ledger)
    const late = await drainOnce(ledger, outbox, { batch: 5 }) // of the old epoch: must drop its batch
    expect(late).toEqual({ state: 'epoch-changed' })
    model.reopen(epoch, watermark)
  }
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

async function expectLaws(ledger: Ledger, model: Model): Promise<void> {
  const postings = new Map<string, OutboxEntry & { type: 'posting' }>()
  const ends = new Map<string, string>()
  for (const entry of model.all()) {
    if (entry.type === 'posting') {
      const key = `${entry.attempt} ${entry.epoch} ${entry.rev}`
      if (!postings.has(key)) postings.set(key, entry)
    }
    if (entry.type === 'threshold' || entry.outcome === null) continue
    if ((ends.get(entry.job) ?? 'refused') === 'refused') ends.set(entry.job, entry.outcome)
  }
  const sums = new Map<string, { spentNano: number; postings: number }>()
  const booked = new Map<string, number>()
  for (const { attempt, windows, deltaNano } of postings.values()) {
    booked.set(attempt, (booked.get(attempt) ?? 0) + deltaNano)
    for (const window of windows) {
      const sum = sums.get(window) ?? { spentNano: 0, postings: 0 }
      sums.set(window, { spentNano: sum.spentNano + deltaNano, postings: sum.postings + 1 })
    }
  }
  expect(await windowSums(ledger)).toEqual(sums)
  expect(await windowTotals(ledger)).toEqual(sums)
  const entries = await ledger.db.query.entries.findMany()
  expect(new Map(entries.map((entry) => [entry.attempt, entry.costNano]))).toEqual(booked)
  for (const entry of entries) {
    const own = [...postings.values()].filter((one) => one.attempt === entry.attempt)
    const newest = own.toSorted((a, b) => b.epoch - a.epoch || b.rev - a.rev)
    const STATUS = {
      settled: 'confirmed',
      adjustment: 'confirmed',
      unconfirmed: 'unconfirmed',
      released: 'released',
      lease: 'released',
    }
    expect(entry.rev).toBe(newest[0]?.rev)
    expect(entry.status).toBe(STATUS[newest[0]?.kind ?? 'settled'])
    expect(entry.noteNano).toBe(newest.find((one) => one.detail)?.detail?.noteNano ?? null)
  }
  const requests = await ledger.db.query.requests.findMany()
  expect(new Map(requests.map((end) => [end.job, end.outcome]))).toEqual(ends)
  const conflicts = await ledger.db.execute(sql`select 1 from ledger_conflicts`)
  expect(conflicts.rows).toEqual([])
}

describe.each(LEDGER_STORES)('any history of an outbox on $name', ({ name, open }) => {
  const suite = openForSuite(open)

  // Red when: totals count rows that were not inserted; the watermark is set outside the transaction; a drain ignores
  // the epoch; `entries` takes the sum of a batch instead of adding it; a lower rev overwrites a higher one; a refusal keeps out the end that
  // came after it.
  test('ends with rollups = postings = outbox, each entry once', async () => {
    const { ledger } = suite
    const law = fc.asyncProperty(fc.array(Step, { maxLength: 40, size: 'max' }), async (steps) => {
      await emptyLedger(ledger)
      const model = new Model()
      for (const step of steps) await take(ledger, model, step)
      await drainAll(ledger, model.outbox)
      await expectLaws(ledger, model)
      expect(model.outbox.entries).toEqual([])
      expect(await readSlotRow(ledger)).toMatchObject({ watermark: model.outbox.acked })
    })
    await fc.assert(law, { numRuns: name === 'PGlite' ? 25 : 50 })
  })
})
