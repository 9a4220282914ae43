import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { readHouse } from '../unit/house-cli-words.ts'
import { openTerminal, type Terminal } from './terminal.ts'

// A dozen processes start, one after the other, each in a second or two where nothing else runs.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

/** An hour in which the budget pays for some of the work, so that the rest parks. */
const POLICY = `
version: 1
timezone: UTC
identity: { default_tenant: default, default_tier: basic }
defaults: { max_output_tokens: 1024, min_output_tokens: 16, attempts: 3 }
tiers:
  basic: { budget: { usd: "0.05", per: hour }, ladder: standard, on_exhausted: park }
ladders:
  standard: [ { model: gpt-6-astra } ]
providers:
  openai: { base_url: "https://api.openai.com/v1", key: "\${OPENAI_API_KEY}" }
`
const HELLO = `
import { createClient } from 'bursar/client'
const bursar = createClient()
const { text, receipt } = await bursar.run({ user: 'u42', model: 'auto', messages: [{ role: 'user', content: 'Explain recursion' }] })
console.log(text.length > 0, receipt.costUsd !== undefined, receipt.left !== undefined)
`
/** Two users with work that can wait: more than their hour pays for. */
const HAND_IN = `
import { createClient } from 'bursar/client'
const bursar = createClient()
const ask = (user, i) => ({ user, model: 'auto', urgency: 'deferrable', messages: [{ role: 'user', content: 'Write chapter ' + i }] })
for (let i = 0; i < 6; i++) for (const user of ['ann', 'bob']) await bursar.enqueue(ask(user, i))
await bursar.close()
`
const Parked = z.object({
  jobs: z.array(
    z.object({
      ...{ job: z.string(), user: z.string(), model: z.string(), since: z.iso.datetime() },
      why: z.object({ by: z.string(), what: z.string() }),
      resumesAt: z.iso.datetime(),
      mostNano: z.int().positive(),
    }),
  ),
  total: z.object({ jobs: z.int(), mostNano: z.int(), unpriced: z.int() }),
})

const jsonOf = (stdout: string): unknown => JSON.parse(stdout)
const parkedIn = async (terminal: Terminal) =>
  Parked.parse(jsonOf((await terminal.bursar('parked', '--json')).stdout))

describe('beside a process that holds the data folder', () => {
  let terminal: Terminal
  let first: ChildProcess
  beforeAll(async () => {
    terminal = await openTerminal()
    await writeFile(join(terminal.folder, 'bursar.yaml'), POLICY)
    first = await terminal.start('--roles', 'completions,ledger,jobs')
  })
  afterAll(() => terminal.close())

  test('two programs at once are served by it, and end by themselves', async () => {
    const [one, two] = await Promise.all([terminal.program(HELLO), terminal.program(HELLO)])
    expect([one, two].map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, 'true true true\n'],
      [0, 'true true true\n'],
    ])
  })

  test('what parks is listed with why, until when and at most for how much', async () => {
    expect(await terminal.program(HAND_IN)).toMatchObject({ code: 0, stderr: '' })
    let parked = await parkedIn(terminal)
    while (parked.total.jobs < 4) parked = await parkedIn(terminal)
    const [job] = parked.jobs
    expect(job?.why).toEqual({
      by: 'budget',
      what: expect.stringMatching(/^tier\.basic\/default\/(ann|bob):\d{4}-\d\d-\d\dT\d\d$/),
    })
    expect(Date.parse(job?.resumesAt ?? '')).toBeGreaterThan(Date.parse(job?.since ?? ''))
    expect(parked.total.unpriced).toBe(0)
    expect(parked.total.mostNano).toBe(parked.jobs.reduce((sum, { mostNano }) => sum + mostNano, 0))
    const { stdout } = await terminal.bursar('parked', '--limit', '1')
    expect(stdout).toContain('budget tier.basic/default/')
    expect(stdout).toContain(`and ${parked.total.jobs - 1} more`)
    expect(stdout).toMatch(/\d parked, at most 0\.\d+ USD to run them all\n$/)
  })

  test('after kill -9 the folder answers the same by itself, and a new process takes it over', async () => {
    const before = await parkedIn(terminal)
    const socket = join(terminal.folder, '.bursar', 'bursar.sock')
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    first.kill('SIGKILL')
    await once(first, 'exit')
    expect(existsSync(socket)).toBe(true)
    const verified = await terminal.bursar('verify', '--json')
    expect(verified.stderr).toBe('')
    expect(jsonOf(verified.stdout)).toMatchObject({ ok: true, slot: { open: 0 } })
    expect((await parkedIn(terminal)).jobs.map(({ job }) => job).toSorted()).toEqual(
      before.jobs.map(({ job }) => job).toSorted(),
    )
    const alone = jsonOf((await terminal.bursar('report', '--json')).stdout)
    const second = await terminal.start('--roles', 'completions,ledger,jobs')
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    const beside = jsonOf((await terminal.bursar('report', '--json')).stdout)
    expect(beside).toMatchObject({
      rows: z.object({ rows: z.array(z.unknown()) }).parse(alone).rows,
    })
    second.kill('SIGTERM')
    await once(second, 'exit')
    expect(existsSync(socket)).toBe(false)
  })
})

test('a folder too deep for a socket is found all the same', async () => {
  const deep = join('a'.repeat(60), 'b'.repeat(60), 'data')
  const terminal = await openTerminal({ BURSAR_DATA: deep })
  try {
    await terminal.start('--roles', 'completions')
    const [lock = ''] = (await readdir(join(terminal.folder, deep))).filter((name) =>
      name.startsWith('lock.'),
    )
    const { socket } = z
      .object({ socket: z.string() })
      .parse(JSON.parse(await readFile(join(terminal.folder, deep, lock), 'utf8')))
    expect(socket.startsWith(tmpdir())).toBe(true)
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    expect(await terminal.bursar('parked')).toEqual({
      code: 0,
      stdout: 'nothing is parked\n',
      stderr: '',
    })
  } finally {
    await terminal.close()
  }
})

test("the README's program runs in an empty folder, twice in a row, and leaves nothing running", async () => {
  const terminal = await openTerminal()
  try {
    const lines = /```ts\n(import \{ createClient \}[\s\S]*?)```/.exec(readHouse('README.md'))?.[1]
    for (let i = 0; i < 2; i++) {
      const { code, stdout } = await terminal.program(lines ?? '')
      expect(stdout).toMatch(/ \d+\.\d+ \d+\.\d+\n$/)
      expect(code).toBe(0)
    }
    expect(jsonOf((await terminal.bursar('verify', '--json')).stdout)).toMatchObject({ ok: true })
  } finally {
    await terminal.close()
  }
})

test('a program goes on when the Bursar that served it ends, and does not start without a valid policy', async () => {
  const terminal = await openTerminal()
  try {
    const ran = await terminal.program(`
      import { createClient } from 'bursar/client'
      const [one, two] = [createClient(), createClient()]
      const ask = (text) => ({ user: 'u42', model: 'auto', messages: [{ role: 'user', content: text }] })
      await one.run(ask('Who is there?'))
      await two.quota({ user: 'u42' })
      await one.close()
      const { text } = await two.run(ask('And now?'))
      await two.close()
      console.log(text.length > 0)`)
    expect(ran).toMatchObject({ code: 0, stdout: 'true\n' })
    // One for each that was started.
    expect(
      ran.stderr.match(/\[BURSAR_EMBEDDED\] BursarWarning: .*a simulated provider/g),
    ).toHaveLength(2)
    await writeFile(join(terminal.folder, 'bursar.yaml'), 'version: 2')
    const { stdout } = await terminal.program(`
      import { createClient } from 'bursar/client'
      const bursar = createClient()
      await bursar.quota({ user: 'u' }).catch((error) => console.log(error.code))
      await bursar.close()`)
    expect(stdout).toBe('INVALID_POLICY\n')
  } finally {
    await terminal.close()
  }
})

test('what is installed has the program and its policy', async () => {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', '--dry-run', '--json', '--ignore-scripts'],
    { maxBuffer: 2 ** 26 },
  )
  const [pack] = z
    .array(z.object({ files: z.array(z.object({ path: z.string() })) }))
    .parse(jsonOf(stdout))
  const files = pack?.files.map(({ path }) => path)
  expect(files).toEqual(expect.arrayContaining(['dist/src/cli/main.js', 'bursar.yaml']))
})
