import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Writable } from 'node:stream'
import { promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { ExportPolicy } from '../../src/config/policy-types.ts'
import { SafeInteger } from '../../src/ledger/columns.ts'
import { writeWhole } from '../../src/ledger/exports/file.ts'
import { FOCUS_VERSIONS } from '../../src/ledger/exports/focus/columns.ts'
import { type ExportFormatName, formatOf } from '../../src/ledger/exports/formats.ts'
import { exportPage } from '../../src/ledger/exports/rows.ts'
import { writeDueFiles } from '../../src/ledger/exports/scheduled.ts'
import { writeExport } from '../../src/ledger/exports/write.ts'
import { type Ledger, rowsOf } from '../../src/ledger/ledger.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { createPartitions } from '../../src/ledger/partitions.ts'
import { curve } from '../../src/ledger/questions/curve.ts'
import { spendHistory } from '../../src/ledger/questions/history.ts'
import { spend } from '../../src/ledger/questions/spend.ts'
import { unitCosts } from '../../src/ledger/questions/unit-costs.ts'
import { compiled } from '../helpers/compiled.ts'
import { headerFaults, readCsv, rowFaults } from '../helpers/focus-rules.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { HOSTILE, seedUsage } from '../helpers/usage-seed.ts'
import { bursar } from './cli-harness.ts'

const CALLS = 2_100
const FROM_MS = Date.UTC(2026, 8, 20)
const TO_MS = Date.UTC(2026, 10, 5)
const HOUR_MS = 3_600_000
const account = { id: 'acme-billing', name: null }

let ledger: Ledger
let env: Record<string, string>
beforeAll(async () => {
  const databaseUrl = await freshDatabase()
  env = { DATABASE_URL: databaseUrl, REDIS_URL: 'redis://127.0.0.1:1', NO_COLOR: '1' }
  ledger = await openLedger({ databaseUrl })
  await createPartitions(ledger, FROM_MS, 3)
  await seedUsage(ledger, { calls: CALLS, fromMs: FROM_MS, toMs: TO_MS })
  await ledger.db.execute(sql`
    insert into adjustments (attempt, n, reason, cost_nano, list_nano, price_version, adjusted_by,
      adjusted_at_ms, admitted_at_ms, tenant, user_id, tier, tags, operation, model, provider)
    select attempt, 1, 'reprice', -7, -7, 'list@2', 'operator', ${TO_MS}::bigint, admitted_at_ms, tenant, user_id,
      tier, tags, operation, model, provider from entries where rev = 1 order by admitted_at_ms limit 50`)
})
afterAll(() => ledger.close())

const Entry = z.object({
  atMs: SafeInteger,
  tenant: z.string(),
  user: z.string(),
  model: z.string(),
  feature: z.string().nullable(),
  costNano: SafeInteger,
})
const everyEntry = () =>
  rowsOf(
    ledger.db,
    Entry,
    sql`select admitted_at_ms as "atMs", tenant, user_id as user, model, tags->>'feature' as feature,
      cost_nano as "costNano" from entries`,
  )

async function exported(format: ExportFormatName, focusVersion: '1.2' | '1.4', pageRows = 700) {
  let text = ''
  const out = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      text += String(chunk)
      setImmediate(done)
    },
  })
  const range = { fromMs: FROM_MS, toMs: TO_MS, limit: pageRows }
  const sums = await writeExport(
    (after) => exportPage(ledger, { ...range, ...(after && { after }) }),
    formatOf({ format, focusVersion, account }),
    out,
  )
  return { text, sums }
}

/** nano-USD, digit by digit. */
const nanoOf = (usd: string): bigint => {
  const [, sign, whole = '', decimals = ''] = /^(-?)(\d+)\.(\d+)$/.exec(usd) ?? []
  const nano = BigInt(whole + decimals.padEnd(9, '0'))
  return sign === '-' ? -nano : nano
}

describe('questions', () => {
  test('sums from cubes equal those of the calls themselves, for any range and group', async () => {
    const entries = await everyEntry()
    const law = fc.asyncProperty(
      fc.nat(46 * 24),
      fc.nat(46 * 24),
      fc.constantFrom('tenant', 'model', 'user', 'tag:feature'),
      async (a, b, by) => {
        // What is kept by days is asked by days here; the rounding is looked at below.
        const unit = by === 'tenant' || by === 'model' ? 1 : 24
        const [first, last] = [Math.min(a, b), Math.max(a, b) + 24]
        const fromMs = FROM_MS + Math.floor(first / unit) * unit * HOUR_MS
        const toMs = FROM_MS + Math.ceil(last / unit) * unit * HOUR_MS
        const found = await spend(ledger, {
          ...{ range: { fromMs, toMs }, by: [by], where: { kind: ['call'] }, top: 1_000 },
          ...{ measures: ['costNano', 'calls'], rankBy: 'costNano' },
        })
        const name = by === 'tag:feature' ? 'feature' : by
        const wanted = new Map<string, number>()
        for (const entry of entries) {
          if (entry.atMs < fromMs || entry.atMs >= toMs) continue
          const group = z
            .string()
            .nullable()
            .parse(entry[name as 'tenant'])
          if (group !== null) wanted.set(group, (wanted.get(group) ?? 0) + entry.costNano)
        }
        const told = found.rows.map(({ group: [group], now }) => [group, now.costNano])
        expect(new Map(told as [string, number][])).toEqual(wanted)
        const sum = [...wanted.values()].reduce((total, nano) => total + nano, 0)
        expect(found.total.now.costNano).toBe(sum)
      },
    )
    await fc.assert(law, { numRuns: 25 })
  })

  test('top groups are the dearest, others stay in the total, and the period before is beside', async () => {
    const month = { fromMs: Date.UTC(2026, 9, 1), toMs: Date.UTC(2026, 10, 1) }
    const question = {
      ...{
        range: month,
        by: ['model', 'tier'],
        where: {},
        measures: ['costNano', 'requests'] as const,
      },
      ...{
        before: { fromMs: Date.UTC(2026, 8, 20), toMs: month.fromMs },
        rankBy: 'costNano' as const,
      },
    }
    const all = await spend(ledger, { ...question, top: 100 })
    const two = await spend(ledger, { ...question, top: 2 })
    expect(two.rows).toEqual(all.rows.slice(0, 2))
    expect(two.total).toEqual(all.total)
    expect(two.groups).toBe(all.rows.length)
    const costs = all.rows.map(({ now }) => now.costNano)
    expect(costs).toEqual(costs.toSorted((a, b) => b - a))
    const former = await spend(ledger, { ...question, range: question.before, top: 100 })
    expect(all.total.before).toEqual(former.total.now)
  })

  test('a curve has every step of its timezone, and adds up to the sum', async () => {
    const range = { fromMs: Date.UTC(2026, 9, 24, 22), toMs: Date.UTC(2026, 9, 26, 23) }
    const found = await curve(ledger, {
      ...{ range, grain: 'day', timezone: 'Europe/Berlin', by: ['tenant'], where: {} },
      ...{ measure: 'costNano', top: 3 },
    })
    // The clock went back on the 25th: 25 hours.
    expect(found.buckets.map(({ fromMs, toMs }) => (toMs - fromMs) / HOUR_MS)).toEqual([25, 24])
    const sum = await spend(ledger, {
      ...{ range, by: [], where: {}, measures: ['costNano'], rankBy: 'costNano', top: 1 },
    })
    expect(found.total.reduce((total, nano) => total + nano, 0)).toBe(sum.total.now.costNano)
    expect(found.lines).toHaveLength(3)
  })

  test('what is kept by days is asked by the nearest days, and two periods that meet still do', async () => {
    const noon = Date.UTC(2026, 9, 10, 11)
    const found = await spend(ledger, {
      range: { fromMs: noon, toMs: noon + 24 * HOUR_MS },
      before: { fromMs: noon - 24 * HOUR_MS, toMs: noon },
      ...{ by: ['user'], where: {}, measures: ['calls'], rankBy: 'calls', top: 5 },
    })
    expect(found.range.fromMs).toBe(Date.UTC(2026, 9, 10))
    expect(found.before?.toMs).toBe(found.range.fromMs)
  })

  test('unit costs share the cost among what there was', async () => {
    const range = { fromMs: FROM_MS, toMs: TO_MS }
    const { total } = await unitCosts(ledger, { range, by: ['tier'], where: {}, top: 5 })
    // A user of two tenants is two.
    const known = new Set((await everyEntry()).map(({ tenant, user }) => `${tenant} ${user}`)).size
    expect(total.now).toMatchObject({ users: known })
    expect(total.now.perUserNano).toBe(Math.round(total.now.costNano / known))
    expect(total.now.perRequestNano).toBe(Math.round(total.now.costNano / total.now.served))
    const tagged = await unitCosts(ledger, { range, by: ['tag:feature'], where: {}, top: 5 })
    expect(tagged.rows[0]?.now.users).toBeNull()
  })

  test('history has each hour that is over, and what the running one cost so far', async () => {
    const untilMs = Date.UTC(2026, 9, 10, 14, 30)
    const { hours, hourNano } = await spendHistory(ledger, { where: {}, fromMs: FROM_MS, untilMs })
    expect(hours.firstHourMs + hours.nano.length * HOUR_MS).toBe(Date.UTC(2026, 9, 10, 14))
    const range = { fromMs: hours.firstHourMs, toMs: Date.UTC(2026, 9, 10, 15) }
    const { total } = await spend(ledger, {
      ...{ range, by: [], where: {}, measures: ['costNano'], rankBy: 'costNano', top: 1 },
    })
    const known = hours.nano.reduce((sum, nano) => sum + nano, hourNano ?? 0)
    expect(known).toBe(total.now.costNano)
  })

  test('what is not kept together is refused with what to ask instead', async () => {
    const ask = (by: string[]) =>
      spend(ledger, {
        ...{ range: { fromMs: 0, toMs: 1 }, by, where: {}, measures: ['calls'] as const },
        ...{ rankBy: 'calls' as const, top: 1 },
      })
    await expect(ask(['tag:feature', 'user'])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(ask(['tag:feature', 'tag:note'])).rejects.toThrow(/not kept together/)
  })
})

describe('exports', () => {
  test.each(FOCUS_VERSIONS)(
    'every row of a FOCUS %s file keeps the column rules',
    async (version) => {
      const { text, sums } = await exported('focus', version)
      const [header = [], ...rows] = readCsv(text)
      expect(headerFaults(header, version)).toEqual([])
      expect(rows).toHaveLength(CALLS + 50)
      const faults = rows.flatMap((row) => rowFaults(header, row, version))
      expect([...new Set(faults)]).toEqual([])
      const billed = rows.map((row) => nanoOf(row[header.indexOf('BilledCost')] ?? ''))
      expect(billed.reduce((sum, nano) => sum + nano, 0n)).toBe(BigInt(sums.costNano))
      const adjusted = rows.filter((row) => row[header.indexOf('ChargeCategory')] === 'Adjustment')
      expect(adjusted).toHaveLength(50)
      expect(
        rows.filter((row) => row[header.indexOf('ChargeClass')] === 'Correction'),
      ).toHaveLength(50)
      expect(
        rows.map((row) => row[header.indexOf('Tags')]).some((tags) => tags?.includes('bursar.')),
      ).toBe(false)
    },
  )

  test('a file is the same however many rows a page has, and every charge is in it once', async () => {
    const small = await exported('csv', '1.4', 301)
    const large = await exported('csv', '1.4', 5_000)
    expect(small.text).toBe(large.text)
    const [header = [], ...rows] = readCsv(large.text)
    const keys = rows.map((row) => `${row[0]} ${row[header.indexOf('attempt')]}`)
    expect(new Set(keys).size).toBe(CALLS + 50)
  })

  test('names that a spreadsheet would run are text, and JSON lines keep them as they are', async () => {
    const csv = await exported('csv', '1.4')
    const [header = [], ...rows] = readCsv(csv.text)
    const tenants = new Set(rows.map((row) => row[header.indexOf('tenant')]))
    expect(tenants).toContain(`'${HOSTILE}`)
    expect([...tenants].filter((name) => /^[=+\-@\t\r]/.test(name ?? ''))).toEqual([])
    const { text } = await exported('jsonl', '1.4')
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toHaveLength(CALLS + 50)
    expect(lines.some(({ tenant }) => tenant === HOSTILE)).toBe(true)
  })

  test('the sums of a file equal bursar usage of the same time', async () => {
    const fromMs = Date.UTC(2026, 9, 1)
    const flags = ['--from', '2026-10-01', '--to', '2026-11-01']
    const file = await bursar(
      ['export', '--format', 'focus', '--focus-version', '1.2', ...flags],
      env,
    )
    expect(file).toMatchObject({ code: 0 })
    const [header = [], ...rows] = readCsv(file.stdout)
    const billed = rows
      .filter((row) => row[header.indexOf('ChargeCategory')] === 'Usage')
      .map((row) => nanoOf(row[header.indexOf('BilledCost')] ?? ''))
    const shown = await bursar(['usage', '--by', 'kind', '--json', ...flags], env)
    const { rows: kinds, total } = z
      .object({
        rows: z.array(
          z.object({ group: z.array(z.string()), now: z.looseObject({ costNano: z.int() }) }),
        ),
        total: z.object({ now: z.looseObject({ calls: z.int() }) }),
      })
      .parse(JSON.parse(shown.stdout))
    const calls = kinds.find(({ group: [kind] }) => kind === 'call')
    expect(billed.reduce((sum, nano) => sum + nano, 0n)).toBe(BigInt(calls?.now.costNano ?? -1))
    expect(billed).toHaveLength(total.now.calls)
    expect(fromMs).toBeLessThan(TO_MS)
  })
})

describe('files on a schedule', () => {
  const policy: Omit<ExportPolicy, 'folder'> = {
    ...{ id: 'finops', per: 'month', timezone: 'UTC', billingAccount: account },
    format: 'focus',
    focusVersion: '1.4',
  }
  // Six hours after the month's end and one minute.
  const nowMs = Date.UTC(2026, 10, 1, 6, 1)
  const { signal } = new AbortController()

  test('a month that is over has one file, written once, that is there whole or not at all', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'bursar-exports-')), 'new')
    const due = () => writeDueFiles(ledger, [{ ...policy, folder }], { nowMs, signal })
    const tooSoon = { nowMs: nowMs - 120_000, signal }
    await writeDueFiles(ledger, [{ ...policy, folder }], tooSoon)
    expect(await readdir(folder)).not.toContain('finops-2026-10.csv')
    const written = await due()
    expect(written.map(({ path }) => basename(path))).toEqual(['finops-2026-10.csv'])
    const [header = [], ...rows] = readCsv(
      await readFile(join(folder, 'finops-2026-10.csv'), 'utf8'),
    )
    expect(rows).toHaveLength(written[0]?.rows ?? 0)
    expect(rowFaults(header, rows[0] ?? [], '1.4')).toEqual([])
    expect(await due()).toEqual([])
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])
    await rm(folder, { recursive: true })
  })

  test('a file that could not be finished leaves the one that was there', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'bursar-exports-')), 'usage.csv')
    await writeWhole(path, async (out) => void out.write('whole'))
    const broken = writeWhole(path, (out) => {
      out.write('half')
      return Promise.reject(new Error('the database went away'))
    })
    await expect(broken).rejects.toThrow('went away')
    expect(await readFile(path, 'utf8')).toBe('whole')
  })

  test('a folder that cannot be written is told, and a run that is stopped leaves nothing behind', async () => {
    const inFile = [{ ...policy, folder: '/proc/version/exports' }]
    await expect(writeDueFiles(ledger, inFile, { nowMs, signal })).rejects.toMatchObject({
      code: 'INVALID_FILE',
    })
    const folder = await mkdtemp(join(tmpdir(), 'bursar-exports-'))
    const stopped = { nowMs, signal: AbortSignal.abort() }
    expect(await writeDueFiles(ledger, [{ ...policy, folder }], stopped)).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })
})

describe('bursar usage', () => {
  const october = ['--from', '2026-10-01', '--to', '2026-11-01']

  test('prints a table that a terminal survives, with shares, the period before and a curve', async () => {
    const { code, stdout } = await bursar(['usage', '--by', 'model', ...october], env)
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^2026-10-01\.\.2026-11-01: 2026-10-01 to 2026-11-01, beside 2026-08-31 to 2026-10-01\n/,
    )
    expect(stdout).toMatch(/^MODEL +USD +BEFORE +CHANGE +SHARE +REQUESTS/m)
    expect(stdout).toMatch(/^total /m)
    expect(stdout).toMatch(/[▁▂▃▄▅▆▇█]{31} {2}each day/)
    const hostile = await bursar(['usage', '--by', 'tenant', '--top', '100', ...october], env)
    expect(hostile.stdout).not.toContain('\u001b')
    expect(hostile.stdout).not.toContain('\u202e')
  })

  test.each([
    [['usage', 'curve', '--grain', 'week'], /^WEEK +costNano/m],
    [['usage', 'units', '--by', 'tier'], /^TIER +USD +A REQUEST/m],
    [['usage', 'saved', '--by', 'model'], /^MODEL +CACHED +JOINED/m],
  ])('bursar %s answers', async (words, wanted) => {
    const { code, stdout } = await bursar([...words, ...october], env)
    expect(stdout).toMatch(wanted)
    expect(code).toBe(0)
  })

  test('shows one request by its job or attempt, and the requests of a run', async () => {
    const byJob = await bursar(['usage', 'request', 'job-1401', '--json'], env)
    const byAttempt = await bursar(['usage', 'request', 'job-1401/a', '--json'], env)
    expect(byAttempt.stdout).toBe(byJob.stdout)
    expect(JSON.parse(byJob.stdout)).toMatchObject({
      job: 'job-1401',
      attempts: [{ status: 'confirmed' }],
    })
    const run = await bursar(['usage', 'run', 'run-14', '--json'], env)
    expect(JSON.parse(run.stdout)).toMatchObject({ total: { requests: 75 } })
    const nobody = await bursar(['usage', 'run', 'run-x'], env)
    expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('UNKNOWN_JOB') })
  })

  test.each([
    [['--by', 'colour'], 'INVALID_REQUEST'],
    [['--period', 'next-month'], 'INVALID_ARGUMENT'],
    [['--timezone', 'Mars/Olympus'], 'INVALID_ARGUMENT'],
    [['--period', 'today', '--from', '2026-10-01'], 'INVALID_ARGUMENT'],
    [['--from', 'yesterday'], 'INVALID_ARGUMENT'],
  ])('refuses %s with %s', async (flags, code) => {
    const { code: exit, stderr } = await bursar(['usage', ...flags], env)
    expect(exit).toBe(1)
    expect(stderr).toContain(code)
  })
})

// The last one: it fills the years before with copies.
test('a file of many times the rows fits into a heap of 64 MB, and adds up', async () => {
  const copies = 15
  await ledger.db.execute(sql`
    insert into entries
    select copied.* from entries entry, generate_series(1, ${copies}::int) copy,
      json_populate_record(entry, json_build_object('attempt', attempt || '-' || copy,
        'admitted_at_ms', admitted_at_ms - copy * 5184000000::bigint)) copied`)
  const all = await exportedElsewhere()
  const [sum] = await rowsOf(
    ledger.db,
    z.object({ nano: SafeInteger }),
    sql`select sum(cost_nano)::bigint - 50 * 7 as nano from entries`,
  )
  expect(all).toMatchObject({ calls: CALLS * (copies + 1), costNano: sum?.nano })
  expect(all.maxMb).toBeGreaterThan(0)
  expect(all.maxMb).toBeLessThan(25)
})

const Elsewhere = z.object({ calls: z.int(), costNano: z.int(), maxMb: z.number() })

/** In a process of its own with little room for objects. */
async function exportedElsewhere() {
  const child = await compiled(new URL('./export-child.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--expose-gc', '--max-old-space-size=64', child],
    ...[env.DATABASE_URL ?? '', String(TO_MS)],
  ])
  return Elsewhere.parse(JSON.parse(stdout))
}
