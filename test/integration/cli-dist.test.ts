import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { simpleParser } from 'mailparser'
import { test as base, describe, expect, inject } from 'vitest'
import { z } from 'zod'
import { childEnv } from '../helpers/child-env.ts'
import { emptyDatabase, withClient } from '../helpers/postgres.ts'
import { freshPrefix } from '../helpers/redis.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PROGRAM = join(ROOT, 'dist/src/cli/main.js')

type Env = Readonly<Record<string, string>>

/** A process with the given options and nothing else of Bursar's in its environment. */
function run(file: string, args: readonly string[], env: Env): ChildProcess {
  const { HOME = '' } = process.env
  return spawn(process.execPath, [file, ...args], {
    cwd: ROOT,
    env: { ...childEnv(), HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function ended(child: ChildProcess): Promise<{ code: number | null; text: string }> {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text += String(chunk)
    })
  }
  const [code] = await once(child, 'close')
  return { code, text }
}

/** Reads lines until one holds `words`; the rest keeps flowing, so that the process never blocks on its output. */
async function untilSaid(child: ChildProcess, words: string): Promise<string> {
  const seen: string[] = []
  if (!child.stdout) throw new Error('the process has no output')
  child.stderr?.on('data', (chunk) => seen.push(String(chunk)))
  const lines = createInterface({ input: child.stdout })
  return new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      seen.push(line)
      if (line.includes(words)) resolve(line)
    })
    lines.once('close', () => reject(new Error(`it ended before "${words}":\n${seen.join('\n')}`)))
  })
}

const test = base.extend<{ env: Env }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the parameter to know what a fixture needs
  env: async ({}, use) => {
    await use({
      REDIS_URL: inject('redisUrl'),
      DATABASE_URL: await emptyDatabase(),
      BURSAR_PREFIX: freshPrefix(),
      BURSAR_QUEUE_PREFIX: freshPrefix(),
    })
  },
})

/** How the requests in the ledger ended. */
const outcomesIn = ({ DATABASE_URL = '' }: Env): Promise<readonly unknown[]> =>
  withClient(DATABASE_URL, async (client) => {
    const { rows } = await client.query({ text: 'select outcome from requests', rowMode: 'array' })
    return rows.flat()
  })

async function readmeProgram(): Promise<string> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const [, code = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(readme) ?? []
  expect(code.trim().split('\n')).toHaveLength(4)
  return code
}

/** Runs the README's program inside the package, so that `bursar/client` means this one. */
async function runHello(env: Env): Promise<void> {
  const folder = await mkdtemp(join(ROOT, 'dist/readme-'))
  try {
    await writeFile(join(folder, 'hello.mjs'), await readmeProgram())
    const hello = await ended(run(join(folder, 'hello.mjs'), [], env))
    expect(hello).toMatchObject({ code: 0 })
    expect(hello.text).toMatch(/ 0\.0\d+ \d+\.\d+\n$/)
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('the built package', () => {
  test('runs migrations and Lua from dist/', async ({ env }) => {
    expect(await ended(run(PROGRAM, ['migrate'], env))).toMatchObject({ code: 0 })
    const doctor = await ended(run(PROGRAM, ['doctor', '--validate'], env))
    expect(doctor.text).toMatch(/money: an expired hold is booked whole +ok +holds/)
    expect(doctor.code).toBe(0)
  })

  test("runs the README's program against a worker, which drains on SIGTERM", async ({ env }) => {
    expect(await ended(run(PROGRAM, ['migrate'], env))).toMatchObject({ code: 0 })
    const worker = run(PROGRAM, ['start', '--roles', 'completions,ledger'], env)
    await untilSaid(worker, '"started"')
    try {
      await runHello(env)
      await expect.poll(() => outcomesIn(env), { timeout: 10_000 }).toEqual(['answered'])
    } finally {
      worker.kill('SIGTERM')
    }
    const [code] = await once(worker, 'exit')
    expect(code).toBe(0)
  })

  test("runs the README's program against a service that needs nothing else", async () => {
    const data = await mkdtemp(join(tmpdir(), 'bursar-dist-'))
    const service = run(PROGRAM, ['start'], { BURSAR_DATA: data, BURSAR_PORT: '0' })
    try {
      const line = await untilSaid(service, 'the gateway listens')
      const { url } = z.object({ url: z.string() }).parse(JSON.parse(line))
      await runHello({ BURSAR_URL: url })
    } finally {
      service.kill('SIGTERM')
    }
    const [code] = await once(service, 'exit')
    expect(code).toBe(0)
    await rm(data, { recursive: true })
  })

  test('shows a newcomer an alert as e-mail and as Slack has it, without any account', async () => {
    const data = await mkdtemp(join(tmpdir(), 'bursar-dist-'))
    const { code, text } = await ended(run(PROGRAM, ['alerts', 'test'], { BURSAR_DATA: data }))
    expect(code).toBe(0)
    const [, id = ''] = /message\s+(test-[0-9a-f]{16})/.exec(text) ?? []
    const fileOf = (kind: string) => join(data, 'alerts', `${id}.${kind}`)
    for (const kind of ['eml', 'html', 'slack.json']) expect(text).toContain(fileOf(kind))

    const subject = '[TEST] [HIGH] acme monthly AI budget at 96% ($960 of $1,000)'
    expect(text.startsWith(`${subject}\n`)).toBe(true)
    const mail = await simpleParser(await readFile(fileOf('eml')))
    expect(mail).toMatchObject({ subject, messageId: `<${id}@localhost>` })
    expect(mail.text).toContain('search-indexer')
    expect(mail.html).toContain('search-indexer')
    expect(mail.attachments.map(({ contentType }) => contentType)).toEqual(['image/png'])
    expect(await readFile(fileOf('html'), 'utf8')).toContain('src="data:image/png;base64,')
    const slack = z.object({ text: z.string(), blocks: z.array(z.object({ type: z.string() })) })
    const posted = slack.parse(JSON.parse(await readFile(fileOf('slack.json'), 'utf8')))
    expect(posted.text).toContain(`${subject} (${id})`)
    expect(posted.blocks.map(({ type }) => type)).toContain('header')
    await rm(data, { recursive: true })
  })

  test('ends with one line and exit code 1 when Redis is away', async ({ env }) => {
    const away = { ...env, REDIS_URL: 'redis://127.0.0.1:1' }
    const { code, text } = await ended(run(PROGRAM, ['start'], away))
    expect(code).toBe(1)
    expect(text).toMatch(/^error STORE_UNAVAILABLE: Redis does not answer .*REDIS_URL.*\n$/)
  })
})
