import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drainOnce } from '../../src/ledger/drain.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { attemptBookings } from '../../src/ledger/queries/attempt-bookings.ts'
import { getRequest } from '../../src/ledger/queries/get-request.ts'
import { type EntryFilter, listEntries } from '../../src/ledger/queries/list-entries.ts'
import { outcomeCounts } from '../../src/ledger/queries/outcome-counts.ts'
import { DIMENSIONS, report } from '../../src/ledger/queries/report.ts'
import { ledgerSnapshot } from '../../src/ledger/queries/snapshot.ts'
import { windowTotals } from '../../src/ledger/queries/window-sums.ts'
import { LEDGER_STORES } from '../helpers/ledgers.ts'
import { MemoryOutbox } from '../helpers/memory-outbox.ts'
import {
  attemptMeta,
  posting,
  requestEnd,
  requestMeta,
  settleDetail,
} from '../helpers/outbox-entries.ts'

const DAY_MS = Date.UTC(2026, 10, 21)

/** Two tenants; a retried request, an overrun, a refusal, a cache hit, an orphan that nobody knows. */
function history(): MemoryOutbox {
  const outbox = new MemoryOutbox()
  const at = (minute: number) => ({
    admittedAtMs: DAY_MS + minute * 60_000,
    postedAtMs: DAY_MS + minute * 60_000 + 5,
  })
  const retried = { job: 'retried', meta: attemptMeta({ tenant: 'globex', tier: 'basic' }) }
  const lost = {
    kind: 'unconfirmed' as const,
    deltaNano: 1_000,
    bookedNano: 1_000,
    detail: null,
    outcome: null,
  }
  outbox.append(posting({ ...retried, ...lost, ...at(1), attempt: 'retried/1' }))
  outbox.append(posting({ ...retried, ...at(2), attempt: 'retried/2', n: 2, rung: 1 }))
  const over = { deltaNano: 1_300, bookedNano: 1_300, overrunNano: 300 }
  outbox.append(
    posting({
      ...over,
      ...at(3),
      job: 'over',
      attempt: 'over/1',
      detail: settleDetail({ listNano: 1_500 }),
    }),
  )
  outbox.append(requestEnd({ job: 'no-money', postedAtMs: DAY_MS + 4 * 60_000 }))
  const cached = {
    outcome: 'cached' as const,
    reason: 'over/1',
    savedNano: 1_500,
    meta: requestMeta({ modelRequested: 'gpt-6-sol' }),
  }
  outbox.append(requestEnd({ ...cached, job: 'hit', postedAtMs: DAY_MS + 5 * 60_000 }))
  const unknown = { job: 'orphan', n: 0, meta: null, detail: null, outcome: null }
  outbox.append(
    posting({
      ...unknown,
      ...at(6),
      admittedAtMs: 0,
      attempt: 'orphan/1',
      deltaNano: 50,
      bookedNano: 50,
    }),
  )
  return outbox
}

describe.each(LEDGER_STORES)('questions to the ledger on $name', ({ open }) => {
  let ledger: Ledger
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ ledger, close } = await open())
    expect(await drainOnce(ledger, history(), { batch: 100 })).toMatchObject({
      entries: 6,
      postings: 4,
    })
  })
  afterAll(() => close())

  test('getRequest gives the end of a request and all its attempts', async () => {
    const found = await getRequest(ledger, 'retried')
    expect(found?.end).toMatchObject({
      outcome: 'answered',
      tenant: 'globex',
      tags: { feature: 'tutor' },
    })
    expect(found?.attempts).toMatchObject([
      {
        attempt: 'retried/1',
        status: 'unconfirmed',
        costNano: 1_000,
        model: 'gpt-6-astra',
        seen: null,
      },
      {
        attempt: 'retried/2',
        status: 'confirmed',
        costNano: 700,
        model: 'local/small',
        reasoningTokens: 20,
      },
    ])
    expect((await getRequest(ledger, 'orphan'))?.end).toBeNull()
    expect(await getRequest(ledger, 'nobody')).toBeNull()
  })

  test.each<[EntryFilter, readonly string[]]>([
    [{}, ['orphan/1', 'over/1', 'retried/2', 'retried/1']],
    [{ tenant: 'globex' }, ['retried/2', 'retried/1']],
    [{ tier: 'premium', user: 'u42' }, ['over/1']],
    [{ model: 'local/small' }, ['retried/2']],
    [{ status: 'unconfirmed' }, ['retried/1']],
    [{ overrun: true }, ['over/1']],
    [{ tags: { feature: 'tutor' }, job: 'over' }, ['over/1']],
    [{ tags: { feature: 'other' } }, []],
    [{ fromMs: DAY_MS + 120_000, toMs: DAY_MS + 180_000 }, ['retried/2']],
  ])('listEntries %j', async (filter, expected) => {
    const { entries, next } = await listEntries(ledger, filter)
    expect(entries.map((entry) => entry.attempt)).toEqual(expected)
    expect(next).toBeNull()
  })

  test('pages go through all entries once, and an unknown page is refused', async () => {
    const seen: string[] = []
    let after: string | null = ''
    while (after !== null) {
      const page = await listEntries(ledger, {}, { limit: 1, ...(after && { after }) })
      seen.push(...page.entries.map((entry) => entry.attempt))
      after = page.next
    }
    expect(seen).toEqual(['orphan/1', 'over/1', 'retried/2', 'retried/1'])
    const unknown = listEntries(ledger, {}, { after: 'nonsense' })
    await expect(unknown).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('outcomeCounts counts ends, within a range too', async () => {
    const none = { joined: 0, expired: 0, cancelled: 0, failed: 0 }
    expect(await outcomeCounts(ledger)).toEqual({ answered: 2, cached: 1, refused: 1, ...none })
    expect((await outcomeCounts(ledger, { toMs: DAY_MS + 180_000 })).answered).toBe(1)
  })

  test('report adds up tokens, money and outcomes by group', async () => {
    const byTenant = await report(ledger, { groupBy: 'tenant' })
    expect(byTenant.rows.map((row) => [row.group, row.costNano, row.attempts])).toEqual([
      ['globex', 1_700, 2],
      ['acme', 1_300, 1],
      ['', 50, 1],
    ])
    expect(byTenant.rows[0]).toMatchObject({
      requests: { answered: 1, refused: 0 },
      outputTokens: 40,
      listNano: 1_000 + 900,
      unconfirmed: { attempts: 1, nano: 1_000 },
      overrun: { attempts: 0, nano: 0 },
    })
    expect(byTenant.total).toMatchObject({
      requests: { answered: 2, cached: 1, refused: 1 },
      costNano: 3_050,
      overrun: { attempts: 1, nano: 300 },
      savedNano: { cached: 1_500, joined: 0, embeddings: 0 },
    })
    const byModel = await report(ledger, { groupBy: 'model' })
    const ends = byModel.rows.map((row) => [row.group, row.requests.answered, row.requests.cached])
    expect(new Map(ends.map(([group, ...rest]) => [group, rest]))).toEqual(
      new Map([
        ['gpt-6-astra', [1, 0]],
        ['local/small', [1, 0]],
        ['gpt-6-sol', [0, 1]],
        ['auto', [0, 0]],
        ['', [0, 0]],
      ]),
    )
  })

  test.each(DIMENSIONS)('a report by %s has the same total', async (groupBy) => {
    const { total } = await report(ledger, { groupBy })
    expect(total).toMatchObject({
      costNano: 3_050,
      attempts: 4,
      requests: { answered: 2, cached: 1, refused: 1 },
    })
    const empty = await report(ledger, { groupBy, fromMs: 1, toMs: 2 })
    expect(empty).toMatchObject({ rows: [], total: { costNano: 0, attempts: 0 } })
  })

  test('attemptBookings goes through every attempt, over page borders', async () => {
    const seen: number[] = []
    for await (const { bookedNano } of attemptBookings(ledger, 2)) seen.push(bookedNano)
    expect(seen).toEqual([50, 1_300, 1_000, 700])
  })

  test('ledgerSnapshot gives sums with the watermark they belong to', async () => {
    const { epoch, watermark, sums } = await ledgerSnapshot(ledger)
    expect({ epoch, watermark }).toEqual({ epoch: 0, watermark: '1000-6' })
    expect(sums.get('company:2026-11')).toEqual({ spentNano: 3_050, postings: 4 })
  })

  test('an integer beyond 2^53 - 1 is refused, not rounded', async () => {
    await ledger.db.execute(
      sql`insert into window_totals values ('huge', 'x', 9007199254740993, 1)`,
    )

    await expect(windowTotals(ledger)).rejects.toMatchObject({ code: 'INVALID_MONEY' })
  })
})
