import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, describe, expect, inject } from 'vitest'
import { z } from 'zod'
import { withClient } from '../helpers/postgres.ts'
import { isEmbedded } from '../integration/queue-rig.ts'
import { home } from './replay-home.ts'
import {
  addUpBill,
  outcomesOf,
  type Replayed,
  runReplay,
  startReplay,
  untilReplayed,
} from './run-replay.ts'
import { writeTrace } from './trace.ts'

/** One process does what three do on servers, and has one thread for it. */
const ROWS = isEmbedded ? 500 : 2_000
const FAULTS =
  '429:0.02,429-retry-after:0.01,500:0.02,stall:0.001,cut:0.01,missing-usage:0.01,overbill:0.005,reset:0.005'
const MINUTES = 60_000

const replay = (...words: string[]) => runReplay(words, home.servers())

const test = base.extend<{ folder: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the parameter to know what a fixture needs
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'bursar-e2e-'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
})

function summaryOf(replayed: Replayed) {
  // Its verdict says what differs; a bar says nothing.
  const told = `${replayed.stdout}\n${replayed.stderr.split('\n').slice(-8).join('\n')}`
  expect(replayed.code, told).toBe(0)
  if (!replayed.summary) throw new Error(`no summary:\n${replayed.stdout}`)
  return replayed.summary
}

const Billed = z.object({ attempt: z.string(), nano: z.int() })

async function billIn({ folder }: Replayed): Promise<Map<string, number>> {
  const lines = (await readFile(join(folder, 'bill.jsonl'), 'utf8')).trimEnd().split('\n')
  const calls = lines.map((line) => Billed.parse(JSON.parse(line)))
  const bill = new Map(calls.map(({ attempt, nano }) => [attempt, nano]))
  expect(bill.size, 'each attempt is billed once').toBe(lines.length)
  return bill
}

/** Every billed call is booked once: at its bill, or at its hold while nobody knows; above that only as an overrun. */
async function compareEachCall(replayed: Replayed): Promise<void> {
  const bill = await billIn(replayed)
  const entries = await home.entriesIn(replayed)
  const booked = new Set(entries.map(({ attempt }) => attempt))
  expect([...bill.keys()].filter((attempt) => !booked.has(attempt))).toEqual([])
  for (const { attempt, status, cost } of entries) {
    const billed = bill.get(attempt) ?? 0
    if (status === 'unconfirmed') expect(cost, attempt).toBeGreaterThanOrEqual(billed)
    else expect(cost, attempt).toBe(billed)
  }
}

/** @returns a look at the workspaces that are new since now. */
async function newWorkspaces(): Promise<() => Promise<string[]>> {
  const before = await home.workspaces()
  return async () => [...(await home.workspaces())].filter((id) => !before.has(id))
}

describe(`bursar replay, ${isEmbedded ? 'embedded' : 'on Redis and PostgreSQL'}`, {
  timeout: 5 * MINUTES,
}, () => {
  test(`${ROWS} requests: one outcome each, nothing held, the ledger is the bill`, async ({
    folder,
  }) => {
    const file = join(folder, 'trace.csv')
    await writeTrace(file, ROWS)
    const replayed = await replay(file, '--format', 'azure', '--speed', 'max', '--json', '--keep')
    const summary = summaryOf(replayed)
    expect(summary).toMatchObject({ requests: ROWS, heldNano: 0, overspendNano: 0, overrunNano: 0 })
    expect(outcomesOf(summary)).toBe(ROWS)
    expect(summary.answered).toBeGreaterThan(ROWS / 2)
    expect(summary.cached).toBeGreaterThan(ROWS / 20)
    expect(summary.ledgerNano).toBe(await addUpBill(replayed.folder))
    expect(summary.spentNano).toBe(summary.ledgerNano)
    await compareEachCall(replayed)
    await rm(replayed.folder, { recursive: true })
  })

  test('the same with a faulty provider and workers killed where they can be: nothing lost, nothing doubled', async ({
    folder,
  }) => {
    const file = join(folder, 'trace.csv')
    await writeTrace(file, ROWS)
    const words = ['--format', 'azure', '--speed', 'max', '--json', '--keep']
    const replayed = await replay(file, ...words, ...home.deaths, '--faults', FAULTS)
    const summary = summaryOf(replayed)
    expect(summary).toMatchObject({ requests: ROWS, heldNano: 0, overspendNano: 0 })
    expect(outcomesOf(summary)).toBe(ROWS)
    expect(summary.unconfirmed).toBeGreaterThan(0)
    expect(summary.billedNano).toBe(await addUpBill(replayed.folder))
    expect(summary.spentNano).toBe(summary.ledgerNano)
    const killed = /^(\d+) workers were killed on purpose$/m.exec(replayed.stdout)?.[1] ?? 0
    expect(Number(killed) > 0).toBe(home.deaths.length > 0)
    await compareEachCall(replayed)
    const overruns = (await home.entriesIn(replayed)).reduce((sum, { overrun }) => sum + overrun, 0)
    expect(summary.overrunNano).toBe(overruns)
    await rm(replayed.folder, { recursive: true })
  })

  test('parked work is served when its window rolls, at the pace that was asked for', async ({
    folder,
  }) => {
    const policy = join(folder, 'policy.yaml')
    await writeFile(policy, ONE_CALL_AN_HOUR)
    const trace = join(folder, 'trace.jsonl')
    // u1 may call once an hour: the second call waits for 11:00, the third for an hour that never comes.
    await writeFile(
      trace,
      [at('10:30', 'u1'), at('10:30', 'u1'), at('10:31', 'u1'), at('11:15', 'u2')].join('\n'),
    )
    const words = ['--format', 'jsonl', '--speed', '400', '--policy', policy, '--json']
    const summary = summaryOf(await replay(trace, ...words))
    expect(summary).toMatchObject({ requests: 4, answered: 3, parked: 1, refused: 0 })
    expect(summary.seconds).toBeGreaterThan((45 * 60) / 400)
  })

  test('a wrong line is one error with its place, before anything is created', async ({
    folder,
  }) => {
    const created = await newWorkspaces()
    const file = join(folder, 'trace.csv')
    await writeFile(
      file,
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2\nnoon,1,2',
    )
    const { code, stderr, stdout } = await replay(file, '--format', 'azure', '--json')
    expect(code).toBe(1)
    expect(stderr).toContain(`error INVALID_TRACE: ${file}:3 has no time in "noon"`)
    expect(stdout).toBe('')
    expect(await created()).toEqual([])
  })

  test('leaves no key, database or process behind, also when it is told to stop', async ({
    folder,
  }) => {
    const created = await newWorkspaces()
    const file = join(folder, 'trace.csv')
    await writeTrace(file, ROWS)
    const words = [file, '--format', 'azure', '--speed', '1']
    const child = startReplay(words, home.servers())
    const replaying = untilReplayed(child)
    await expect.poll(created, { timeout: MINUTES }).toHaveLength(1)
    await once(child.stderr, 'data')
    child.kill('SIGTERM')
    expect(await replaying).toMatchObject({ code: 1 })
    expect((await replaying).stderr).toMatch(/^error CANCELLED: the replay was told to stop/m)
    expect(await created()).toEqual([])
  })

  test.skipIf(isEmbedded)(
    'says what to do when its role may not create databases',
    async ({ folder }) => {
      await withClient(inject('databaseUrl'), (client) => client.query('create role humble login'))
      const file = join(folder, 'trace.csv')
      await writeTrace(file, 1)
      const humble = new URL(inject('databaseUrl'))
      humble.username = 'humble'
      const { code, stderr } = await runReplay([file, '--format', 'azure'], {
        ...home.servers(),
        DATABASE_URL: humble.href,
      })
      expect(code).toBe(1)
      expect(stderr).toMatch(/^error LEDGER_UNAVAILABLE: .*run "alter role humble createdb"/m)
    },
  )
})

const ONE_CALL_AN_HOUR = `
version: 1
identity: { default_tier: basic }
defaults: { max_output_tokens: 1000, min_output_tokens: 1000 }
tiers: { basic: { budget: { usd: "0.08", per: hour }, ladder: best, on_exhausted: park } }
ladders: { best: [{ model: gpt-6-astra }] }
providers: { openai: { base_url: "https://api.openai.com/v1", key: "\${OPENAI_API_KEY}" } }
`

const at = (time: string, user: string): string =>
  JSON.stringify({
    timestamp: `2026-03-02T${time}:00Z`,
    user,
    model: 'auto',
    urgency: 'deferrable',
    cache: false,
    messages: [{ role: 'user', content: 'a long answer' }],
    metadata: { sandbox_output_tokens: '1000' },
  })
