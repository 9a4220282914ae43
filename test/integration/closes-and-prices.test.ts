import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { AdminPlace } from '../../src/admin/command.ts'
import { pricesImport, pricesList, pricesShow } from '../../src/admin/prices/prices.ts'
import { repriceCommand } from '../../src/admin/reprice.ts'
import type { PostingEntry } from '../../src/admission/outbox.ts'
import { policyToJson } from '../../src/config/policy-json.ts'
import { closeAdjustmentsOf, closeParts } from '../../src/ledger/closes/list.ts'
import { adjustPeriod, type Period, sealPeriod } from '../../src/ledger/closes/seal.ts'
import { periodTotals } from '../../src/ledger/closes/totals.ts'
import { SafeInteger } from '../../src/ledger/columns.ts'
import { usageOver } from '../../src/ledger/cubes/over.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import { type Ledger, rowsOf } from '../../src/ledger/ledger.ts'
import { registerPolicy } from '../../src/ledger/policies.ts'
import { windowTotals } from '../../src/ledger/queries/window-sums.ts'
import { closePeriods, completeUntil, openPeriods, periodsIn } from '../../src/schedule/closes.ts'
import { emptyLedger, LEDGER_STORES, type TestLedger } from '../helpers/ledgers.ts'
import { MemoryOutbox } from '../helpers/memory-outbox.ts'
import { attemptMeta, posting, settleDetail } from '../helpers/outbox-entries.ts'
import { policyOf } from '../unit/plan-policy.ts'

const DAY_MS = 86_400_000
const KOLKATA = 'Asia/Kolkata'
/** A day of Kolkata begins half an hour into an hour. */
const START_MS = Date.UTC(2026, 10, 19, 18, 30)
const NOW_MS = Date.UTC(2026, 10, 25)
const dayOf = (timezone: string, atMs: number): Period => {
  const [day] = periodsIn('day', timezone, { fromMs: atMs, toMs: atMs + 1 })
  if (!day) throw new RangeError('no day')
  return day
}

const Sum = z.object({ nano: SafeInteger })
const one = async (ledger: Ledger, statement: ReturnType<typeof sql>) =>
  (await rowsOf(ledger.db, Sum, statement))[0]?.nano ?? 0

/** What a sealed day is worth by now: its lines and what came since. */
const worth = (ledger: Ledger, { window, timezone }: Period) =>
  one(
    ledger,
    sql`
      select coalesce(sum(cost_nano), 0) as nano from (
        select cost_nano from close_totals where window_id = ${window} and timezone = ${timezone}
        union all
        select cost_nano from close_adjustments where window_id = ${window} and timezone = ${timezone}
      ) line`,
  )

/** The same from the calls and corrections themselves. */
const scanned = (ledger: Ledger, { startMs, endMs }: Period) =>
  one(
    ledger,
    sql`
      select coalesce(sum(cost_nano), 0) as nano from (
        select cost_nano, admitted_at_ms from entries
        union all select cost_nano, admitted_at_ms from adjustments
      ) call where admitted_at_ms >= ${startMs}::bigint and admitted_at_ms < ${endMs}::bigint`,
  )

describe.each(LEDGER_STORES)('closes and prices on $name', ({ open }) => {
  let home: TestLedger
  let ledger: Ledger
  let outbox: MemoryOutbox
  let place: AdminPlace

  beforeAll(async () => {
    home = await open()
    ledger = home.ledger
  })
  beforeEach(async () => {
    await emptyLedger(ledger)
    await ledger.db.execute(
      sql`truncate closes, close_totals, close_adjustments, adjustments, price_snapshots`,
    )
    outbox = new MemoryOutbox()
    const nobody = () => Promise.reject(new RangeError('nobody asks for it here'))
    place = {
      ...{ by: 'finance', ledger: async () => ledger, slot: nobody, repair: nobody },
      ...{ queues: nobody, tiers: nobody, cache: nobody, warming: nobody },
      policies: { env: {}, options: {} as never, publish: nobody },
    } as AdminPlace
    const policy = policyOf()
    await registerPolicy(ledger, policyToJson(policy))
  })
  afterAll(() => home.close())

  /** Books one call and drains it. */
  async function book(id: string, admittedAtMs: number, over: Partial<PostingEntry> = {}) {
    const own = { job: id, attempt: `${id}/1`, admittedAtMs, postedAtMs: admittedAtMs + 1_000 }
    outbox.append(posting({ ...own, windows: ['company:2026-11'], ...over }))
    await drainOnce(ledger, outbox, { batch: 100 })
  }
  const lost = { kind: 'unconfirmed', detail: null, outcome: null } as const
  const confirmed = (reason: string, deltaNano: number): Partial<PostingEntry> => ({
    ...{ rev: 2, kind: 'adjustment', outcome: null, deltaNano, bookedNano: 700 + deltaNano },
    postedAtMs: Date.now() + 60_000,
    detail: settleDetail({ seen: 'unknown', usage: null, reason, listNano: 700 + deltaNano }),
  })

  test('a day that begins half an hour into an hour is sealed to the millisecond, once', async () => {
    const day = dayOf(KOLKATA, START_MS)
    expect(day).toMatchObject({ window: '2026-11-20', startMs: START_MS })
    await book('before', START_MS - 1, { deltaNano: 1 })
    await book('first', START_MS, { deltaNano: 20 })
    await book('middle', START_MS + DAY_MS / 2, { deltaNano: 300 })
    await book('last', START_MS + DAY_MS - 1, { deltaNano: 4_000 })
    await book('after', START_MS + DAY_MS, { deltaNano: 50_000 })
    expect(await sealPeriod(ledger, day, 'test')).toBe(true)
    expect(await closeParts(ledger, day)).toEqual([
      ...[{ tenant: 'acme', tier: 'premium', model: 'gpt-6-astra', calls: 3 }].map((line) => ({
        ...line,
        costNano: 4_320,
        listNano: 2_700,
      })),
    ])
    expect(await sealPeriod(ledger, day, 'test')).toBe(false)
    expect(await adjustPeriod(ledger, day)).toBe(0)
  })

  test('what comes later is an adjustment with its reason, and never a change of the sealed lines', async () => {
    const day = dayOf('UTC', START_MS)
    const calls = START_MS - 60_000
    await book('open', calls, { ...lost, deltaNano: 700 })
    await book('waived', calls + 1, {
      ...lost,
      deltaNano: 700,
      meta: attemptMeta({ tier: 'basic' }),
    })
    await sealPeriod(ledger, day, 'test')
    const lines = await closeParts(ledger, day)
    await book('open', calls, confirmed('confirmed by operator: invoice', -100))
    const waived = { ...confirmed('waived by operator: gone', -700), bookedNano: 0 }
    await book('waived', calls + 1, { ...waived, meta: attemptMeta({ tier: 'basic' }) })
    await book('late', calls + 2, { deltaNano: 55 })
    expect(await adjustPeriod(ledger, day)).toBe(3)
    expect(await adjustPeriod(ledger, day)).toBe(0)
    const found = (await closeAdjustmentsOf(ledger, day)).map(
      ({ n, tier, reason, calls: more, costNano }) => [n, tier, reason, more, costNano],
    )
    expect(found).toEqual([
      [1, 'basic', 'waived', 0, -700],
      [1, 'premium', 'confirmed', 0, -100],
      [1, 'premium', 'late-settlement', 1, 55],
    ])
    expect(await closeParts(ledger, day)).toEqual(lines)
    expect(await worth(ledger, day)).toBe(await scanned(ledger, day))
  })

  test('only what ended, settled and is drained is closed; at first the last day, then all since', async () => {
    await book('a', START_MS)
    const nowMs = START_MS + 2 * DAY_MS
    const first = await openPeriods(ledger, 'day', 'UTC', { nowMs, backMs: 0 })
    expect(first.map(({ window }) => window)).toEqual(['2026-11-20'])
    const by = 'test'
    const tooEarly = first.at(-1)?.endMs ?? 0
    const none = { periods: first, completeUntilMs: tooEarly + 599_999, by }
    expect(await closePeriods(ledger, none)).toEqual({ sealed: 0, adjusted: 0 })
    const all = { periods: first, completeUntilMs: tooEarly + 600_000, by }
    expect(await closePeriods(ledger, all)).toEqual({ sealed: 1, adjusted: 0 })
    const later = { nowMs: nowMs + 3 * DAY_MS, backMs: DAY_MS }
    const next = await openPeriods(ledger, 'day', 'UTC', later)
    expect(next.map(({ window }) => window)).toEqual(['2026-11-21', '2026-11-22', '2026-11-23'])
    expect(await completeUntil(ledger, outbox, nowMs)).toBe(nowMs)
    outbox.append(posting({ job: 'x', attempt: 'x/1' }))
    expect(await completeUntil(ledger, outbox, nowMs)).toBe(1_000)
  })

  test('a price list flags what is in use, is numbered, and holds from its date', async () => {
    await book('used', Date.now() - DAY_MS)
    const own = { prices: [{ model: 'gpt-6-astra', input: '11', output: '50' }] }
    const wanted = { from: { list: own, source: 'own.json' }, yes: false }
    await expect(pricesImport.run(place, wanted)).rejects.toMatchObject({ code: 'PRICES_IN_USE' })
    expect((await pricesList.run(place, {})).lists).toEqual([])
    const { imported, diff } = await pricesImport.run(place, { ...wanted, yes: true })
    expect(imported).toMatchObject({ number: 2, inForce: true, importedBy: 'finance' })
    expect(diff.inUse.map(({ model, calls }) => [model, calls])).toEqual([['gpt-6-astra', 1]])
    const { lists } = await pricesList.run(place, {})
    expect(lists.map(({ number, inForce }) => [number, inForce])).toEqual([
      [2, true],
      [1, false],
    ])
    const shown = await pricesShow.run(place, { model: 'gpt-6-astra' })
    expect(shown.steps?.[0]?.rates.input).toBe(11_000_000)
    expect(shown.version).toMatch(/^prices@2\+/)
    const before = await pricesShow.run(place, { model: 'gpt-6-astra', atMs: NOW_MS - 30 * DAY_MS })
    expect(before.steps?.[0]?.rates.input).toBe(10_000_000)
    const again = await pricesImport.run(place, { ...wanted, yes: true })
    expect(again.imported).toBeNull()
  })

  test('a list that breaks a ladder of the policy is refused', async () => {
    const own = { prices: [{ model: 'gpt-6-sol', input: '99', output: '99' }] }
    const wanted = { from: { list: own, source: 'own.json' }, yes: true }
    await expect(pricesImport.run(place, wanted)).rejects.toMatchObject({ code: 'INVALID_FILE' })
  })

  test('repricing appends what differs once; postings, entries, counters and sealed lines stay', async () => {
    const day = dayOf('UTC', START_MS)
    await book('one', START_MS - 60_000)
    await book('two', START_MS - 50_000)
    await book('waits', START_MS - 40_000, { ...lost, deltaNano: 700 })
    await sealPeriod(ledger, day, 'test')
    const lines = await closeParts(ledger, day)
    const windows = await windowTotals(ledger)
    const range = { fromMs: START_MS - DAY_MS, toMs: START_MS, dryRun: true }
    const dry = await repriceCommand.run(place, range)
    // 100 x 10 + 10 x 1 + 5 x 12.50 + 60 x 50 USD per million.
    const truly = 1_000_000 + 10_000 + 62_500 + 3_000_000
    expect(dry).toMatchObject({ applied: false, calls: 2, differing: 2 })
    expect(dry.costNano).toBe(2 * (truly - 700))
    expect(await one(ledger, sql`select count(*) as nano from adjustments`)).toBe(0)
    expect((await repriceCommand.run(place, { ...range, dryRun: false })).differing).toBe(2)
    expect((await repriceCommand.run(place, { ...range, dryRun: false })).differing).toBe(0)
    expect(await one(ledger, sql`select sum(cost_nano) as nano from entries`)).toBe(2_100)
    expect(await windowTotals(ledger)).toEqual(windows)
    expect(await closeParts(ledger, day)).toEqual(lines)
    const found = (await closeAdjustmentsOf(ledger, day)).map(({ reason, costNano }) => [
      reason,
      costNano,
    ])
    expect(found).toEqual([['reprice', 2 * (truly - 700)]])
    const ofDay = { fromMs: day.startMs, toMs: day.endMs }
    const cube = sql`select sum(cost_nano) as nano from ${usageOver(ofDay)} used`
    expect(await one(ledger, sql`select sum(cost_nano) as nano from usage_daily`)).toBe(
      await scanned(ledger, { ...day, startMs: 0, endMs: NOW_MS }),
    )
    expect(await one(ledger, cube)).toBe(await scanned(ledger, day))
  })

  test('whatever comes in whatever order, sealed lines and adjustments add up to the calls', async () => {
    type Step = 'call' | 'lost' | 'confirm' | 'seal' | 'look' | 'reprice'
    const steps: readonly Step[] = ['call', 'lost', 'confirm', 'seal', 'look', 'reprice']
    const step = fc.constantFrom(...steps)
    const day = dayOf(KOLKATA, START_MS)
    let runs = 0
    const law = fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (order) => {
      runs += 1
      const open: [string, number][] = []
      for (const [at, what] of order.entries()) {
        const [id, atMs] = [`r${runs}-${at}`, START_MS + at * 7_000_000 - 3_000_000]
        if (what === 'call') await book(id, atMs)
        if (what === 'lost') {
          await book(id, atMs, { ...lost, deltaNano: 700 })
          open.push([id, atMs])
        }
        const settled = what === 'confirm' ? open.pop() : undefined
        if (settled) await book(...settled, confirmed('confirmed by operator: x', -at))
        if (what === 'seal') await sealPeriod(ledger, day, 'test')
        if (what === 'look') await adjustPeriod(ledger, day)
        if (what === 'reprice') {
          const range = { fromMs: day.startMs, toMs: day.endMs, dryRun: false }
          await repriceCommand.run(place, range)
        }
      }
      await sealPeriod(ledger, day, 'test')
      await adjustPeriod(ledger, day)
      expect(await worth(ledger, day)).toBe(await scanned(ledger, day))
      const totals = sql`select coalesce(sum(cost_nano), 0) as nano from ${periodTotals(day.startMs, day.endMs)} used`
      expect(await one(ledger, totals)).toBe(await scanned(ledger, day))
    })
    await fc.assert(law, { numRuns: 8, seed: 20_261_121 })
  })
})
