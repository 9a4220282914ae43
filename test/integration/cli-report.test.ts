import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { AdmitCommand } from '../../src/admission/commands.ts'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import { printable } from '../../src/cli/report/printable.ts'
import { REPORT_BY } from '../../src/cli/report.ts'
import { csvField } from '../../src/ledger/exports/csv.ts'
import { listEntries } from '../../src/ledger/queries/list-entries.ts'
import { DIMENSIONS } from '../../src/ledger/queries/report.ts'
import { formatUsd } from '../../src/money/usd.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { connectRedis, freshPrefix } from '../helpers/redis.ts'
import { bursar } from './cli-harness.ts'
import { POLICY, type Rig, startRig } from './queue-rig.ts'

const Totals = z.object({
  requests: z.record(z.string(), z.int()),
  attempts: z.int(),
  costNano: z.int(),
  listNano: z.int(),
  savedNano: z.object({ cached: z.int(), joined: z.int(), embeddings: z.int() }),
})
const Json = z.object({
  from: z.string().nullable(),
  to: z.string().nullable(),
  by: z.string(),
  rows: z.array(Totals.extend({ group: z.string() })),
  total: Totals,
  budgets: z
    .object({
      open: z.boolean(),
      windows: z.array(z.looseObject({ budget: z.string(), spentNano: z.int() })),
    })
    .nullable(),
  waiting: z.int().nullable(),
})

const HOSTILE = '=cmd|"/C calc"!A1,\u001b[2Jred\nnext'
const ask = (text: string) => [{ role: 'user' as const, content: text }]

let rig: Rig
beforeAll(async () => {
  const limited = 'basic:   { requests: { limit: 500, per: hour },'
  rig = await startRig({ policy: POLICY.replace('basic:   {', limited) })
  await rig.client.run({ user: 'u1', model: 'auto', messages: ask('one') })
  await rig.client.run({ user: 'rich', model: 'gpt-6-luna', messages: ask('two') })
  await rig.client.run({ user: 'u1', tenant: HOSTILE, model: 'auto', messages: ask('three') })
  await rig.client.run({ user: 'u1', model: 'auto', messages: ask('one') }) // from the cache
  await rig.drain()
})
afterAll(() => rig.close())

async function reportJson(flags: readonly string[] = [], env = rig.env) {
  const { code, stdout, stderr } = await bursar(['report', '--json', ...flags], env)
  expect(code).toBe(0)
  return { ...Json.parse(JSON.parse(stdout)), stderr }
}

describe('bursar report', () => {
  test('knows every dimension of the ledger', () => {
    expect(REPORT_BY).toEqual(DIMENSIONS)
  })

  test('--json has outcomes, tokens and money of the ledger, and the budgets of the slot', async () => {
    const { rows, total, budgets, waiting, stderr } = await reportJson(['--by', 'tier'])
    expect(stderr).toBe('')
    expect(rows.map(({ group }) => group).toSorted()).toEqual(['basic', 'premium'])
    expect(total.requests).toMatchObject({ answered: 3, cached: 1, refused: 0 })
    expect(total.attempts).toBe(3)
    expect(total.costNano).toBe(rows.reduce((sum, row) => sum + row.costNano, 0))
    expect(budgets?.open).toBe(true)
    const company = budgets?.windows.find(({ budget }) => budget === 'company')
    expect(company?.spentNano).toBe(total.costNano)
    expect(waiting).toBe(0)
  })

  test('says what was saved by answers that were used again, of each group', async () => {
    const { rows, total } = await reportJson(['--by', 'tenant'])
    const { entries } = await listEntries(rig.runtime.ledger, { user: 'u1', tenant: 'default' })
    const [paid] = entries
    expect(total.savedNano).toEqual({ cached: paid?.listNano, joined: 0, embeddings: 0 })
    expect(rows.find(({ group }) => group === 'default')?.savedNano).toEqual(total.savedNano)
    const { stdout } = await bursar(['report', '--by', 'tenant'], rig.env)
    expect(stdout).toMatch(/\nTENANT +CACHED USD +JOINED USD +EMBEDDINGS USD +SAVED USD/)
    const usd = formatUsd(total.savedNano.cached)
    expect(stdout).toMatch(new RegExp(`\\ntotal +${usd} +0.00 +0.00 +${usd}`))
  })

  test('prints tables, bars by spend, and budgets, the fullest first', async () => {
    const { code, stdout } = await bursar(['report', '--by', 'tenant'], rig.env)
    expect(code).toBe(0)
    const { total } = await reportJson()
    expect(stdout).toMatch(/^TENANT +REQUESTS +ANSWERED +CACHED/)
    expect(stdout).toMatch(
      new RegExp(`\\ntotal +${formatUsd(total.listNano)} +${formatUsd(total.costNano)}`),
    )
    expect(stdout).toMatch(/SPEND BY TENANT[^\n]*\n[^\n]+\ndefault +#{1,40} +0\.\d+ +\d+%/)
    expect(stdout).toMatch(/\nBUDGET +WINDOW +USED +SPENT USD/)
    const percents = [...stdout.matchAll(/ (\d+(?:\.\d)?)% +0\.\d+ +0\.00 /g)].map(([, p]) =>
      Number(p),
    )
    expect(percents.length).toBeGreaterThan(2)
    expect(percents).toEqual(percents.toSorted((a, b) => b - a))
  })

  test('a name from a request neither moves the cursor, nor breaks a line, nor is a formula', async () => {
    const { stdout } = await bursar(['report', '--by', 'tenant'], rig.env)
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toContain('\\u001b[2Jred\\u000anext')
    const csv = (await bursar(['report', '--by', 'tenant', '--csv'], rig.env)).stdout
    expect(csv).toContain(`"'${HOSTILE.replaceAll('"', '""')}",`)
  })

  test('--csv is a header and a line per group, money in nano-USD', async () => {
    const { code, stdout } = await bursar(['report', '--by', 'model', '--csv'], rig.env)
    expect(code).toBe(0)
    const { rows } = await reportJson(['--by', 'model'])
    const [header = '', ...lines] = stdout.trimEnd().split('\r\n')
    const at = header.split(',').indexOf('costNano')
    expect(header).toMatch(
      /^model,answered,cached,joined,refused,expired,cancelled,failed,attempts,/,
    )
    expect(lines.map((line) => [line.split(',')[0], Number(line.split(',')[at])])).toEqual(
      rows.map(({ group, costNano }) => [group, costNano]),
    )
  })

  test('--from and --to bound the time; --to is not included', async () => {
    const { rows } = await rig.runtime.ledger.db.execute(
      sql`select max(admitted_at_ms)::text as at from entries`,
    )
    const last = Number(z.array(z.object({ at: z.string() })).parse(rows)[0]?.at)
    const iso = (ms: number) => new Date(ms).toISOString()
    expect((await reportJson(['--to', iso(last)])).total.attempts).toBe(2)
    expect((await reportJson(['--from', iso(last)])).total.attempts).toBe(1)
    const { stdout } = await bursar(['report', '--to', '2020-01-01'], rig.env)
    expect(stdout).toContain('no requests in this time: leave --from and --to out')
  })

  test.each([
    [['--from', 'yesterday'], '2026-11-01T09:30Z'],
    [['--from', '2026-11-01T09:30'], '2026-11-01T09:30Z'],
    [['--from', '2026-11-02', '--to', '2026-11-01'], 'give an earlier --from'],
    [['--by', 'colour'], 'Allowed choices are tenant, user'],
    [['--json', '--csv'], 'cannot be used with'],
  ])('refuses %j and says what to write', async (flags, mend) => {
    const { code, stderr } = await bursar(['report', ...flags], rig.env)
    expect(code).toBe(1)
    expect(stderr).toContain('INVALID_ARGUMENT')
    expect(stderr).toContain(mend)
  })

  test('says how to begin when there is nothing yet', async () => {
    const env = { ...rig.env, DATABASE_URL: await freshDatabase(), BURSAR_PREFIX: freshPrefix() }
    const { code, stdout, stderr } = await bursar(['report'], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('no requests yet: start a worker with `npx bursar start`')
    expect(await reportJson([], env)).toMatchObject({ rows: [], total: { costNano: 0 } })
  })

  test('says when entries wait for the ledger', async () => {
    await rig.client.run({ user: 'u2', model: 'auto', messages: ask('late') })
    expect((await reportJson()).waiting).toBeGreaterThan(0)
    const { stdout } = await bursar(['report'], rig.env)
    expect(stdout).toMatch(/\d+ entries are not in the ledger yet: .*--roles ledger/)
    await rig.drain()
  })

  test('finance has its report while Redis is away', async () => {
    const { budgets, total, stderr } = await reportJson([], {
      ...rig.env,
      REDIS_URL: 'redis://127.0.0.1:1',
    })
    expect(budgets).toBeNull()
    expect(total.costNano).toBeGreaterThan(0)
    expect(stderr).toContain('budgets are left out: Redis d')
  })

  test('shows the last window of each budget when none is open, as after a replay', async () => {
    const prefix = freshPrefix()
    const redis = connectRedis()
    const atMs = Date.UTC(2023, 10, 16, 18, 30)
    const store = await createRedisStore({ redis, prefix, clock: () => atMs })
    await store.open(1)
    for (const day of [15, 16]) {
      const startMs = Date.UTC(2023, 10, day)
      const replayed = await createRedisStore({ redis, prefix, clock: () => startMs + 1 })
      const { outcome } = await replayed.admit(oneHold(`company:2023-11-${day}`, startMs))
      expect(outcome).toBe('held')
    }
    const { budgets } = await reportJson([], { ...rig.env, BURSAR_PREFIX: prefix })
    expect(budgets).toMatchObject({
      open: false,
      windows: [{ budget: 'company', window: '2023-11-16', heldNano: 250, usedPercent: 25 }],
    })
    await redis.quit()
  })
})

describe('bursar usage beside a slot', () => {
  test('tells how full the budgets and limits of a user are, also before anything was spent', async () => {
    const { code, stdout } = await bursar(['usage', 'now', 'u1', '--json'], rig.env)
    expect(code).toBe(0)
    const now = z
      .object({
        tier: z.string(),
        budgets: z.array(z.looseObject({ budget: z.string(), spentNano: z.int() })),
        limits: z.array(z.looseObject({ remaining: z.int(), of: z.int() })),
      })
      .parse(JSON.parse(stdout))
    expect(now.budgets.find(({ budget }) => budget === 'company')?.spentNano).toBeGreaterThan(0)
    expect(now.limits.some(({ remaining, of }) => remaining < of)).toBe(true)
    const newcomer = await bursar(['usage', 'now', 'nobody-yet'], rig.env)
    expect(newcomer.stdout).toMatch(/^nobody-yet of default, tier /)
    expect(newcomer.stdout).toMatch(/^BUDGET +WINDOW +ENDS/m)
  })

  test('says how windows end, and that little history tells little', async () => {
    const { code, stdout } = await bursar(
      ['usage', 'forecast', '--budget', 'company', '--json'],
      rig.env,
    )
    expect(code).toBe(0)
    const { windows } = z
      .object({
        windows: z.array(
          z.looseObject({
            budget: z.string(),
            basis: z.string(),
            spentNano: z.int(),
            lowNano: z.int(),
            highNano: z.int(),
          }),
        ),
      })
      .parse(JSON.parse(stdout))
    expect(windows.map(({ budget }) => budget)).toContain('company')
    for (const { basis, spentNano, lowNano, highNano } of windows) {
      expect(['none', 'rate']).toContain(basis)
      expect(lowNano).toBeGreaterThanOrEqual(spentNano)
      expect(highNano).toBeGreaterThanOrEqual(lowNano)
    }
    const shown = await bursar(['usage', 'forecast'], rig.env)
    expect(shown.stdout).toMatch(/^BUDGET +WINDOW +ENDS +RUNS DRY/m)
  })

  test('adds up what the ledger books as calls end', async () => {
    const { stdout } = await bursar(
      ['usage', '--by', 'kind', '--period', 'last-2-days', '--json'],
      rig.env,
    )
    const { rows } = z
      .object({
        rows: z.array(
          z.object({ group: z.array(z.string()), now: z.looseObject({ requests: z.int() }) }),
        ),
      })
      .parse(JSON.parse(stdout))
    const requests = Object.fromEntries(rows.map(({ group: [kind], now }) => [kind, now.requests]))
    // Another test of this file asks once more.
    expect(requests).toMatchObject({ call: expect.any(Number), cached: 1 })
    expect(requests.call).toBeGreaterThanOrEqual(3)
  })
})

const oneHold = (key: string, startMs: number): AdmitCommand => ({
  attempt: `${key}/attempt`,
  job: `job-${startMs}`,
  policy: 1,
  windows: [{ key, startMs, endMs: startMs + 86_400_000, limitNano: 1_000, marks: [] }],
  rungs: [
    {
      ...{ gate: 'p:m', fixedNano: 250, outputPico: 0, capTokens: 1, floorTokens: 1 },
      ...{ until: null, inputTokens: 1 },
    },
  ],
  limits: [],
  cacheKey: null,
  maxTakes: 1,
  ttlMs: 60_000,
  meta: '{}',
})

test('printable keeps one line, whatever stands in a name', () => {
  expect(printable('plain name')).toBe('plain name')
  expect(printable('a\u202eb\u0007\ud800\r\n')).toBe('a\\u202eb\\u0007\\ud800\\u000d\\u000a')
  expect(printable('x'.repeat(60))).toHaveLength(48)
})

test.each([
  ['plain', 'plain'],
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['=1+1', "'=1+1"],
  ['-2', "'-2"],
  ['@x\r\n', '"\'@x\r\n"'],
])('csvField writes %j as %j', (value, field) => {
  expect(csvField(value)).toBe(field)
})
