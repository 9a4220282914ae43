import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { ViolationKind } from '../../src/admin/verify/findings.ts'
import { slotKeys } from '../../src/admission/keys.ts'
import { cubeDifferences } from '../../src/ledger/cubes/scan.ts'
import { entryDifferences, windowDifferences } from '../../src/ledger/queries/disagreements.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { connectRedis, freshPrefix } from '../helpers/redis.ts'
import { bursar } from './cli-harness.ts'
import { type Rig, startRig } from './queue-rig.ts'

const Verified = z.object({
  ok: z.boolean(),
  ledger: z.object({ entries: z.int(), postings: z.int(), windows: z.int() }),
  slot: z
    .object({
      windows: z.int(),
      moving: z.int(),
      open: z.int(),
      waiting: z.object({ entries: z.int(), postings: z.int(), nano: z.int() }),
    })
    .nullable(),
  bill: z
    .object({
      calls: z.int(),
      billedNano: z.int(),
      bookedNano: z.int(),
      equal: z.int(),
      unconfirmed: z.object({ attempts: z.int(), bookedNano: z.int(), billedNano: z.int() }),
      overruns: z.array(z.object({ attempt: z.string(), overrunNano: z.int() })),
      pending: z.int(),
    })
    .nullable(),
  counts: z.record(z.string(), z.int()),
  violations: z.array(z.object({ kind: z.string(), id: z.string(), found: z.string() })),
})

const Line = z.looseObject({ id: z.string(), attempt: z.string(), nano: z.int() })
type Line = z.infer<typeof Line>

const ask = (text: string) => [{ role: 'user' as const, content: text }]

let folder: string
let bill: string
let rig: Rig
let redis: Redis
let windowKey: string
/** What the sandbox has billed: six answers, and one whose call nobody saw the end of. */
let lines: readonly Line[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-verify-'))
  bill = join(folder, 'bill.jsonl')
  rig = await startRig({ sandbox: { bill } })
  redis = connectRedis()
  for (const user of ['u1', 'u2', 'rich']) {
    for (const text of ['one', 'two']) {
      await rig.client.run({ user, model: 'auto', messages: ask(`${user} ${text}`) })
    }
  }
  rig.tap.decide = ({ text }) =>
    text === 'cut' && rig.tap.calls.filter((call) => call.text === 'cut').length === 1
      ? { fault: 'missing-usage' }
      : undefined
  await rig.client.run({ user: 'u1', model: 'auto', messages: ask('cut') })
  await rig.drain()
  const text = await readFile(bill, 'utf8')
  lines = text
    .trim()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)))
  const keys = slotKeys(rig.options.BURSAR_PREFIX)
  const [company = ''] = (await redis.zrevrange(keys.windows, 0, -1)).filter((key) =>
    key.startsWith('company'),
  )
  windowKey = company
})
afterAll(async () => {
  await redis.quit()
  await rig.close()
  await rm(folder, { recursive: true })
})

async function verify(flags: readonly string[] = [], env = rig.env) {
  const { code, stdout, stderr } = await bursar(['verify', '--json', ...flags], env)
  expect(stderr).toBe('')
  const verified = Verified.parse(JSON.parse(stdout))
  expect(code).toBe(verified.ok ? 0 : 1)
  const named = verified.violations.map(({ kind, id }) => [kind, id])
  return { ...verified, named }
}

/** Verifies against another bill than the one that was written. */
async function verifyBill(change: (lines: readonly Line[]) => readonly unknown[]) {
  const file = join(folder, 'changed.jsonl')
  await writeFile(
    file,
    change(lines)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  )
  return await verify(['--bill', file])
}

const first = () => lines[0] ?? { id: '', attempt: '', nano: 0 }
const changed = (part: Partial<Line>) => (all: readonly Line[]) =>
  all.map((line, at) => (at === 0 ? { ...line, ...part } : line))

/** Breaks the ledger, looks, and mends it. */
async function withLedger(
  statements: { harm: string; mend: string },
  look: () => Promise<void>,
): Promise<void> {
  const { db } = rig.runtime.ledger
  await db.execute(sql.raw(statements.harm))
  try {
    await look()
  } finally {
    await db.execute(sql.raw(statements.mend))
  }
}

describe('bursar verify', () => {
  test('agrees with books that are sound, whether the ledger has read all of the outbox or not', async () => {
    const sound = await verify(['--bill', bill])
    expect(sound).toMatchObject({
      ok: true,
      violations: [],
      ledger: { entries: 8, postings: 8 },
      slot: { moving: 0, open: 0, waiting: { entries: 0 } },
      bill: { calls: 8, equal: 7, unconfirmed: { attempts: 1 }, overruns: [], pending: 0 },
    })
    const { bookedNano = 0, billedNano = 0, unconfirmed } = sound.bill ?? {}
    expect(bookedNano - billedNano).toBe(
      (unconfirmed?.bookedNano ?? 0) - (unconfirmed?.billedNano ?? 0),
    )
    expect(bookedNano).toBeGreaterThan(billedNano)

    await rig.client.run({ user: 'u2', model: 'auto', messages: ask('not drained') })
    const waiting = await verify(['--bill', bill])
    expect(waiting).toMatchObject({ ok: true, bill: { calls: 9, equal: 8 } })
    expect(waiting.slot?.waiting.postings).toBe(1)
    await rig.drain()
    lines = (await readFile(bill, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => Line.parse(JSON.parse(line)))
  })

  test('says the same to people', async () => {
    const { code, stdout } = await bursar(['verify', '--bill', bill], rig.env)
    expect(code).toBe(0)
    expect(stdout).toMatch(/\nledger +9 entries, 9 postings, \d+ windows\n/)
    expect(stdout).toMatch(/\nbill +9 calls, 8 booked as billed\n/)
    expect(stdout).toMatch(/everything agrees\n$/)
  })

  test('names a billed attempt that is not in the ledger, and one that was billed twice', async () => {
    const lost = { ...first(), id: 'x', attempt: 'job/ghost', nano: 5 }
    expect((await verifyBill((all) => [...all, lost])).named).toEqual([['bill-lost', 'job/ghost']])
    const doubled = await verifyBill((all) => [...all, first()])
    expect(doubled.named).toEqual([
      ['bill-doubled', first().attempt],
      ['below-bill', first().attempt],
    ])
    const { stdout, code } = await bursar(
      ['verify', '--bill', join(folder, 'changed.jsonl')],
      rig.env,
    )
    expect(code).toBe(1)
    expect(stdout).toContain(`bill-doubled  ${first().attempt}  billed 2 times`)
    expect(stdout).toContain('bill-doubled: one attempt was billed more than once')
    expect(stdout).toMatch(/2 violations\n$/)
  })

  test('an attempt that is billed and still held is on its way, not lost', async () => {
    const keys = slotKeys(rig.options.BURSAR_PREFIX)
    await redis.zadd(keys.exp, Date.now() + 60_000, 'job/held')
    const {
      ok,
      bill: compared,
      slot,
    } = await verifyBill((all) => [...all, { ...first(), attempt: 'job/held' }])
    await redis.zrem(keys.exp, 'job/held')
    expect({ ok, pending: compared?.pending, open: slot?.open }).toEqual({
      ok: true,
      pending: 1,
      open: 1,
    })
  })

  test.each<[string, (all: readonly Line[]) => readonly unknown[], ViolationKind]>([
    ['less booked than billed', (all) => changed({ nano: first().nano + 1 })(all), 'below-bill'],
    ['more booked than billed', (all) => changed({ nano: first().nano - 1 })(all), 'above-bill'],
    ['a confirmed cost that nobody billed', (all) => all.slice(1), 'not-billed'],
    [
      'a billed call without an attempt',
      (all) => [...all, { ...first(), attempt: '' }],
      'bill-unnamed',
    ],
  ])('names %s', async (_, change, kind) => {
    const { violations } = await verifyBill(change)
    expect(violations.map((one) => one.kind)).toEqual([kind])
    expect(violations[0]?.id).toBe(kind === 'bill-unnamed' ? first().id : first().attempt)
  })

  test('an unconfirmed entry may stand above the bill, never below it', async () => {
    const { rows } = await rig.runtime.ledger.db.execute(
      sql`select attempt, cost_nano::text as booked from entries where status = 'unconfirmed'`,
    )
    const [open] = z.array(z.object({ attempt: z.string(), booked: z.coerce.number() })).parse(rows)
    const billed = (nano: number) => (all: readonly Line[]) =>
      all.map((line) => (line.attempt === open?.attempt ? { ...line, nano } : line))
    const booked = open?.booked ?? 0
    expect((await verifyBill(billed(booked))).ok).toBe(true)
    expect(
      (await verifyBill((all) => all.filter((line) => line.attempt !== open?.attempt))).ok,
    ).toBe(true)
    expect((await verifyBill(billed(booked + 1))).named).toEqual([['below-bill', open?.attempt]])
  })

  test('an overrun is named, and excuses no booking below the bill', async () => {
    const { attempt, nano } = first()
    const statements = {
      harm: `update entries set overrun_nano = 7 where attempt = '${attempt}'`,
      mend: `update entries set overrun_nano = 0 where attempt = '${attempt}'`,
    }
    await withLedger(statements, async () => {
      await bursar(['rebuild', '--usage'], rig.env)
      const over = await verifyBill(changed({ nano: nano - 3 }))
      expect(over).toMatchObject({ ok: true, bill: { overruns: [{ attempt, overrunNano: 7 }] } })
      expect((await verifyBill(changed({ nano: nano + 3 }))).named).toEqual([
        ['below-bill', attempt],
      ])
      const { stdout } = await bursar(['verify', '--bill', bill], rig.env)
      expect(stdout).toContain(`overrun ${attempt}`)
    })
    await bursar(['rebuild', '--usage'], rig.env)
  })

  test.each([
    ['{"id":"a","nano":1.5,"attempt":"x"}', ':1 is no line of a bill'],
    ['{"id":"a"', ':1 is no line of a bill'],
  ])('refuses %s as a bill, with the line', async (text, message) => {
    const file = join(folder, 'broken.jsonl')
    await writeFile(file, `${text}\n`)
    const { code, stderr } = await bursar(['verify', '--bill', file], rig.env)
    expect(code).toBe(1)
    expect(stderr).toContain('error INVALID_FILE')
    expect(stderr).toContain(message)
    const away = await bursar(['verify', '--bill', join(folder, 'none.jsonl')], rig.env)
    expect(away.stderr).toContain('error INVALID_FILE')
    expect(away.stderr).toContain('sandbox writes with --bill')
  })

  test('names an entry that is not the sum of its postings, either way round', async () => {
    const { attempt } = first()
    // What its usage adds up to has changed, too: by hour, by day and by tag.
    const kinds = async () => {
      const { named } = await verify()
      const [one, ...others] = named
      expect(new Set(others.map(([kind]) => kind))).toEqual(new Set(['usage-differs']))
      return [one]
    }
    const of = (kind: ViolationKind) => [[kind, attempt]]
    await withLedger(
      {
        harm: `update entries set cost_nano = cost_nano + 1 where attempt = '${attempt}'`,
        mend: `update entries set cost_nano = cost_nano - 1 where attempt = '${attempt}'`,
      },
      async () => expect(await kinds()).toEqual(of('entry-differs')),
    )
    await withLedger(
      {
        harm: `create table kept as select * from entries where attempt = '${attempt}'; delete from entries where attempt = '${attempt}'`,
        mend: 'insert into entries select * from kept; drop table kept',
      },
      async () => expect(await kinds()).toEqual(of('entry-differs')),
    )
    await withLedger(
      {
        harm: `create table kept as select * from postings where attempt = '${attempt}'; delete from postings where attempt = '${attempt}'`,
        mend: 'insert into postings select * from kept; drop table kept',
      },
      async () => {
        const { counts } = await verify()
        expect(counts['entry-differs']).toBe(1)
        expect(counts['window-differs']).toBeGreaterThan(0)
      },
    )
    expect((await verify()).ok).toBe(true)
  })

  test('names a window total that is not the sum of its postings, and with it the counter', async () => {
    await withLedger(
      {
        harm: "update window_totals set spent_nano = spent_nano + 1 where budget = 'company'",
        mend: "update window_totals set spent_nano = spent_nano - 1 where budget = 'company'",
      },
      async () => {
        expect((await verify()).named).toEqual([
          ['counter-differs', windowKey],
          ['window-differs', windowKey],
        ])
      },
    )
  })

  test('names an answer that is said to have saved what nobody had paid', async () => {
    await rig.client.run({ user: 'u1', model: 'auto', messages: ask('u1 one') })
    await rig.drain()
    expect((await verify()).ok).toBe(true)
    await withLedger(
      {
        harm: "update requests set saved_nano = saved_nano + 1 where outcome = 'cached'",
        mend: "update requests set saved_nano = saved_nano - 1 where outcome = 'cached'",
      },
      async () => {
        const { named } = await verify()
        const [one, ...others] = named.map(([kind]) => kind)
        expect(one).toBe('saved-differs')
        expect(new Set(others)).toEqual(new Set(['usage-differs']))
      },
    )
  })

  test('names sums of usage that are not what their calls add up to, and the mend mends them', async () => {
    const { db } = rig.runtime.ledger
    for (const harm of [
      `update usage_daily set cost_nano = cost_nano + 1 where kind = 'call' and user_id = 'u1'`,
      `delete from usage_tenants_monthly where kind = 'call'`,
      `insert into usage_company_hourly select hour_ms, 'nobody', model, operation, kind, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
       from usage_company_hourly limit 1`,
    ]) {
      await db.execute(sql.raw(harm))
    }
    const { ok, named } = await verify()
    expect(ok).toBe(false)
    const tables = named.map(([kind, id]) => `${kind} ${id?.split(' ')[0]}`)
    // What that day is added up into, and its month, are no longer what it adds up to.
    expect([...new Set(tables)]).toEqual(
      [
        ...['usage_company_daily', 'usage_company_hourly', 'usage_daily', 'usage_keys_daily'],
        ...['usage_tenants_daily', 'usage_users_daily', 'usage_monthly', 'usage_tenants_monthly'],
      ].map((table) => `usage-differs ${table}`),
    )
    const told = await bursar(['verify'], rig.env)
    expect(told.stdout).toMatch(/cost_nano \d+\/\d+/)
    expect(told.stdout).toContain('npx bursar rebuild --usage')
    const dry = await bursar(['rebuild', '--usage', '--dry-run', '--json'], rig.env)
    expect(JSON.parse(dry.stdout)).toMatchObject({ applied: false, wrong: named.length })
    expect((await verify()).named).toEqual(named)
    const mended = await bursar(['rebuild', '--usage', '--json'], rig.env)
    expect(JSON.parse(mended.stdout)).toMatchObject({ applied: true, wrong: named.length })
    expect(await verify()).toMatchObject({ ok: true, violations: [] })
    expect(await cubeDifferences(rig.runtime.ledger)).toEqual([])
  })

  test('names a posting that came again with other content', async () => {
    await withLedger(
      {
        harm: `insert into ledger_conflicts values ('job/again', 1, 2, '1-1', '{}', '{}', 0)`,
        mend: 'delete from ledger_conflicts',
      },
      async () => expect((await verify()).named).toEqual([['posting-conflict', 'job/again']]),
    )
  })

  test.each<[string, (record: Buffer) => void, ViolationKind]>([
    ['a counter with a nano too much', (r) => addTo(r, SPENT, 1), 'counter-differs'],
    ['held money without a hold', (r) => addTo(r, HELD, 1), 'held-without-hold'],
    ['less than nothing held', (r) => addTo(r, HELD, -1), 'held-negative'],
  ])('names %s', async (_, harm, kind) => {
    const key = slotKeys(rig.options.BURSAR_PREFIX).window(windowKey)
    const record = await redis.getBuffer(key)
    const harmed = Buffer.from(record ?? '')
    harm(harmed)
    await redis.set(key, harmed)
    const { named } = await verify()
    await redis.set(key, record ?? '')
    expect(named).toEqual([[kind, windowKey]])
  })

  test('names a counter that is gone though the ledger has spending', async () => {
    const key = slotKeys(rig.options.BURSAR_PREFIX).window(windowKey)
    const record = await redis.getBuffer(key)
    await redis.del(key)
    const { named } = await verify()
    await redis.set(key, record ?? '')
    expect(named).toEqual([['counter-missing', windowKey]])
  })

  test('names a hold that outlived its expiry, and leaves one that is just due alone', async () => {
    const { exp } = slotKeys(rig.options.BURSAR_PREFIX)
    await redis.zadd(exp, Date.now() - 60_000, 'job/old', Date.now() - 1_000, 'job/due')
    const { named, slot } = await verify()
    await redis.zrem(exp, 'job/old', 'job/due')
    expect(named).toEqual([['hold-overdue', 'job/old']])
    expect(slot?.open).toBe(2)
  })

  test('tells a slot that is gone and one of other stores from one that is new', async () => {
    const gone = await verify([], { ...rig.env, BURSAR_PREFIX: freshPrefix() })
    expect(gone.named).toEqual([['slot-missing', 'slot']])
    const fresh = { ...rig.env, DATABASE_URL: await freshDatabase() }
    expect((await verify([], fresh)).named).toEqual([['slot-foreign', 'slot']])
    const both = await verify([], { ...fresh, BURSAR_PREFIX: freshPrefix() })
    expect(both).toMatchObject({ ok: true, slot: null })
  })

  test('blames nothing while money moves', async () => {
    const asked = Array.from({ length: 40 }, (_, at) => at)
    let running = true
    const traffic = Promise.all(
      asked.map((at) =>
        rig.client.run({ user: `m${at % 4}`, model: 'auto', messages: ask(`moving ${at}`) }),
      ),
    ).finally(() => {
      running = false
    })
    while (running) {
      const [{ violations }] = await Promise.all([verify(['--bill', bill]), rig.drain()])
      expect(violations).toEqual([])
    }
    await traffic
    await rig.drain()
    expect(await verify(['--bill', bill])).toMatchObject({ ok: true, bill: { pending: 0 } })
  })

  test('a store that is away is an error with its mend, not a violation', async () => {
    const { code, stderr, stdout } = await bursar(['verify', '--json'], {
      ...rig.env,
      REDIS_URL: 'redis://127.0.0.1:1',
    })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('error STORE_UNAVAILABLE')
    const unset = await bursar(['verify'], { ...rig.env, DATABASE_URL: '' })
    expect(unset.stderr).toContain('DATABASE_URL is not set')
  })
})

// lib/windows.lua: policy, limit, spent, held as doubles.
const [SPENT, HELD] = [16, 24]
const addTo = (record: Buffer, at: number, nano: number): void => {
  record.writeDoubleLE(record.readDoubleLE(at) + nano, at)
}

/** Attempts in the ledger alone, one posting each but for every third, which has two. */
const fillLedger = (rows: number) =>
  sql.raw(`
  with made as (
    insert into postings
    select 'bulk/' || lpad(i::text, 6, '0'), 1, rev, 'settled', 'bulk', 1, i, i, i, 0, array['bulk:' || i % 5], 0, 1, 0, 0, '0-0'
    from generate_series(1, ${rows}) i, generate_series(1, 2) rev where rev = 1 or i % 3 = 0
    returning attempt, delta_nano
  )
  insert into entries (attempt, job, n, status, epoch, rev, seq, cost_nano, hold_nano, overrun_nano, windows, rung, cap,
    admitted_at_ms, posted_at_ms)
  select attempt, 'bulk', 1, 'confirmed', 1, 1, '0-0', sum(delta_nano), 0, 0, array['x:y'], 0, 1, 0, 0
  from made group by attempt`)
const TOTALS = sql`
  insert into window_totals
  select split_part(key, ':', 1), split_part(key, ':', 2), sum(delta_nano), count(*)
  from postings, unnest(windows) as key where attempt like 'bulk/%' group by key`

describe('a long ledger', () => {
  const clean = async () => {
    await rig.runtime.ledger.db.execute(sql`delete from postings where attempt like 'bulk/%'`)
    await rig.runtime.ledger.db.execute(sql`delete from entries where attempt like 'bulk/%'`)
    await rig.runtime.ledger.db.execute(sql`delete from window_totals where budget = 'bulk'`)
  }

  test('is scanned in pages: what differs is found once, wherever pages end', async () => {
    const { ledger } = rig.runtime
    await ledger.db.execute(fillLedger(40))
    await ledger.db.execute(TOTALS)
    const odd = ['bulk/000001', 'bulk/000009', 'bulk/000039', 'bulk/000040']
    await ledger.db.execute(
      sql.raw(`update entries set cost_nano = -1 where attempt in ('${odd.join("','")}')`),
    )
    for (const page of [1, 2, 3, 7, 1_000]) {
      const found: string[] = []
      for await (const differing of entryDifferences(ledger, page)) {
        found.push(...differing.map(({ key }) => key))
      }
      expect(found).toEqual(odd)
    }
    expect(await windowDifferences(ledger)).toEqual([])
    await clean()
  })

  test('shows a bar on stderr and leaves stdout to the result', async () => {
    const { ledger } = rig.runtime
    await ledger.db.execute(fillLedger(20_000))
    await ledger.db.execute(TOTALS)
    const { code, stdout, stderr } = await bursar(['verify', '--json'], rig.env)
    await clean()
    expect(code).toBe(0)
    expect(Verified.parse(JSON.parse(stdout)).ledger.entries).toBeGreaterThan(20_000)
    expect(stderr).toMatch(/100% \d+\/\d+/)
  })
})
