import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Outbox } from '../../src/admission/outbox.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { attemptBookings } from '../../src/ledger/queries/attempt-bookings.ts'
import { ledgerSnapshot } from '../../src/ledger/queries/snapshot.ts'
import { windowSums, windowTotals } from '../../src/ledger/queries/window-sums.ts'
import { beginEpoch, readSlotRow } from '../../src/ledger/slot-row.ts'
import { dyingAt, dyingBeforeCommit } from '../helpers/dying.ts'
import { emptyLedger, LEDGER_STORES, ledgerTest } from '../helpers/ledgers.ts'
import { MemoryOutbox } from '../helpers/memory-outbox.ts'
import { posting, requestEnd, threshold } from '../helpers/outbox-entries.ts'

const BATCH = { batch: 100 }
const COMPANY = 'company:2026-11'

const spent = async (ledger: Ledger): Promise<number | undefined> =>
  (await windowTotals(ledger)).get(COMPANY)?.spentNano

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function expectRollupsTrue(ledger: Ledger): Promise<void> {
  expect(await windowTotals(ledger)).toEqual(await windowSums(ledger))
}

describe.each(LEDGER_STORES)('the drain on $name', ({ open }) => {
  let ledger: Ledger
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ ledger, close } = await open())
  })
  beforeEach(() => emptyLedger(ledger))
  afterAll(() => close())

  test('drain-dies-after-read: nothing is written, the next drain writes it once', async () => {
    const outbox = new MemoryOutbox()
    outbox.append(posting())
    await expect(drainOnce(ledger, dyingAt(outbox, 'read'), BATCH)).rejects.toThrow('died')
    await expect(drainOnce(dyingBeforeCommit(ledger), outbox, BATCH)).rejects.toThrow('died')
    expect(await spent(ledger)).toBeUndefined()
    expect(await readSlotRow(ledger)).toEqual({ epoch: 0, watermark: '0' })
    expect(await drainOnce(ledger, outbox, BATCH)).toMatchObject({ state: 'drained', postings: 1 })
    expect(await spent(ledger)).toBe(700)
  })

  test('drain-dies-after-commit: the next drain acknowledges and writes nothing twice', async () => {
    const outbox = new MemoryOutbox()
    outbox.append(posting())
    await expect(drainOnce(ledger, dyingAt(outbox, 'acknowledge'), BATCH)).rejects.toThrow('died')
    expect(outbox.acked).toBe('0')
    expect(await drainOnce(ledger, outbox, BATCH)).toEqual({ state: 'empty' })
    expect(outbox.acked).toBe('1000-1')
    expect(outbox.entries).toEqual([])
    expect(await spent(ledger)).toBe(700)
  })

  test('two-drains: they take turns and each entry is written once', async () => {
    const outbox = new MemoryOutbox()
    for (let n = 0; n < 40; n++) outbox.append(posting({ attempt: `job-${n}/a`, job: `job-${n}` }))
    const drains = Array.from({ length: 6 }, () => drainOnce(ledger, outbox, { batch: 10 }))
    const written = await Promise.all(drains)
    const total = written.reduce(
      (sum, one) => sum + (one.state === 'drained' ? one.postings : 0),
      0,
    )
    expect(total).toBe(40)
    expect(await spent(ledger)).toBe(40 * 700)
    await expectRollupsTrue(ledger)
  })

  test('rollup-only-inserted-rows: a posting that comes again changes no total and no entry', async () => {
    const outbox = new MemoryOutbox()
    outbox.append(posting())
    outbox.append(posting())
    expect(await drainOnce(ledger, outbox, BATCH)).toMatchObject({ entries: 2, postings: 1 })
    outbox.append(posting({ postedAtMs: 7 }))
    outbox.append(posting({ rev: 2, kind: 'adjustment', deltaNano: -100, bookedNano: 600 }))
    const again = await drainOnce(ledger, outbox, BATCH)
    expect(again).toMatchObject({ entries: 2, postings: 1, conflicts: [] })
    expect(await spent(ledger)).toBe(600)
    await expectRollupsTrue(ledger)
    expect(await collect(attemptBookings(ledger))).toMatchObject([{ bookedNano: 600 }])
  })

  test('a posting under a known key with another content is refused, recorded and told', async () => {
    const outbox = new MemoryOutbox()
    outbox.append(posting())
    outbox.append(posting({ deltaNano: 900, bookedNano: 900 }))
    const conflicts = [{ attempt: 'job-1/attempt-1', epoch: 0, rev: 1 }]
    expect(await drainOnce(ledger, outbox, BATCH)).toMatchObject({ postings: 1, conflicts })
    const { rows } = await ledger.db.execute(sql`select kept, refused from ledger_conflicts`)
    expect(rows).toMatchObject([{ kept: { delta_nano: 700 }, refused: { delta_nano: 900 } }])
    expect(await spent(ledger)).toBe(700)
  })

  test('the first end of a request and the first mark of a percent win', async () => {
    const outbox = new MemoryOutbox()
    outbox.append(requestEnd({ job: 'job-1', outcome: 'expired' }))
    outbox.append(posting())
    outbox.append(threshold())
    outbox.append(threshold({ spentNano: 999 }))
    await drainOnce(ledger, outbox, BATCH)
    outbox.append(threshold({ spentNano: 998 }))
    await drainOnce(ledger, outbox, BATCH)
    const ends = await ledger.db.execute(sql`select outcome from requests`)
    expect(ends.rows).toEqual([{ outcome: 'expired' }])
    const marks = await ledger.db.execute(
      sql`select spent_nano::int as spent from threshold_events`,
    )
    expect(marks.rows).toEqual([{ spent: 800 }])
  })

  test('text that Postgres cannot store stops nothing', async () => {
    const outbox = new MemoryOutbox()
    const tenant = 'nul\0 half\ud800 quote" \\u0000'
    outbox.append(requestEnd({ meta: { ...requestEnd().meta, tenant, tags: { 'a\0': '\udfff' } } }))
    expect(await drainOnce(ledger, outbox, BATCH)).toMatchObject({ entries: 1 })
    const { rows } = await ledger.db.execute(sql`select tenant from requests`)
    expect(rows).toEqual([{ tenant: 'nul\ufffd half\ufffd quote" \\u0000' }])
  })

  test('a closed slot is left alone', async () => {
    const outbox = new MemoryOutbox()
    outbox.append(posting())
    outbox.state = 'closed'
    expect(await drainOnce(ledger, outbox, BATCH)).toEqual({ state: 'closed' })
    expect(await spent(ledger)).toBeUndefined()
  })

  test('empty-while-drain-commits: a drain of an older epoch drops its batch', async () => {
    const outbox = new MemoryOutbox()
    outbox.append(posting())
    expect(await beginEpoch(ledger)).toEqual({ epoch: 1, watermark: '0' })
    expect(await drainOnce(ledger, outbox, BATCH)).toEqual({ state: 'epoch-changed' })
    expect(await spent(ledger)).toBeUndefined()
    expect(outbox.entries).toHaveLength(1)
  })

  test('old-watermark-new-stream: a new epoch is read from its start', async () => {
    const outbox = new MemoryOutbox()
    for (const rev of [1, 2, 3]) outbox.append(posting({ rev }))
    await drainOnce(ledger, outbox, BATCH)
    outbox.reopen((await beginEpoch(ledger)).epoch)
    outbox.append(posting({ epoch: 1, rev: 1, deltaNano: 5 }))
    expect(await drainOnce(ledger, outbox, BATCH)).toMatchObject({ postings: 1 })
    expect(await spent(ledger)).toBe(3 * 700 + 5)
  })
})

ledgerTest('beginEpoch waits for a drain under way, which still commits', async ({ ledger }) => {
  const outbox = new MemoryOutbox()
  outbox.append(posting())
  let beginning: Promise<unknown> = Promise.resolve()
  const order: string[] = []
  const slow: Outbox = {
    slot: () => outbox.slot(),
    async read(after, limit) {
      beginning = beginEpoch(ledger).then(() => order.push('epoch began'))
      await untilSomebodyWaits(ledger)
      order.push('drain went on')
      return await outbox.read(after, limit)
    },
    acknowledge: (epoch, watermark) => outbox.acknowledge(epoch, watermark),
  }
  expect(await drainOnce(ledger, slow, BATCH)).toMatchObject({ state: 'drained', postings: 1 })
  await beginning
  expect(order).toEqual(['drain went on', 'epoch began'])
  expect(await readSlotRow(ledger)).toEqual({ epoch: 1, watermark: '0' })
  expect(await spent(ledger)).toBe(700)
})

ledgerTest('a snapshot taken beside drains always fits its watermark', async ({ ledger }) => {
  const outbox = new MemoryOutbox()
  for (let n = 0; n < 60; n++) outbox.append(posting({ attempt: `job-${n}/a`, job: `job-${n}` }))
  const drain = async () => {
    while ((await drainOnce(ledger, outbox, { batch: 3 })).state === 'drained');
  }
  let draining = true
  const looks: number[] = []
  const look = async () => {
    while (draining) {
      const { watermark, sums } = await ledgerSnapshot(ledger)
      const read = Number(watermark.split('-')[1] ?? 0)
      expect(sums.get(COMPANY)?.postings ?? 0).toBe(read)
      looks.push(read)
    }
  }
  const looking = look()
  await Promise.all([drain(), drain()])
  draining = false
  await looking
  expect(new Set(looks).size).toBeGreaterThan(1)
})

/** Returns when some session waits for a lock. */
async function untilSomebodyWaits({ db }: Ledger): Promise<void> {
  const waiting = sql`
    select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
  while ((await db.execute(waiting)).rows.length === 0);
}
