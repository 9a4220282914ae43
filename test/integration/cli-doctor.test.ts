import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { test as base, describe, expect, inject } from 'vitest'
import { z } from 'zod'
import { startSandbox } from '../../sandbox/server.ts'
import { emptyDatabase, freshDatabase } from '../helpers/postgres.ts'
import { freshPrefix } from '../helpers/redis.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'
import { bursar, type Env } from './cli-harness.ts'

const Report = z.object({
  healthy: z.boolean(),
  options: z.record(z.string(), z.string()),
  findings: z.array(
    z.object({ check: z.string(), state: z.string(), found: z.string(), mend: z.string() }),
  ),
})

async function examine(env: Env, ...flags: string[]) {
  const { code, stdout, stderr } = await bursar(['doctor', '--json', ...flags], env)
  expect(stderr).toBe('')
  const report = Report.parse(JSON.parse(stdout))
  expect(code).toBe(report.healthy ? 0 : 1)
  const of = (check: string) => report.findings.filter((finding) => finding.check === check)
  return { ...report, of, stdout }
}

const SECRET = 'pa55-of-redis'
const KEY = 'sk-secret-of-the-provider'

interface Fixtures {
  /** A Redis with a password that a test may misconfigure. */
  readonly guarded: Server
  readonly admin: Redis
  /** Everything as it should be. */
  readonly env: Env
}

const test = base.extend<Fixtures>({
  guarded: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the parameter to know what a fixture needs
    async ({}, use) => {
      const server = await startRedis({ args: ['--requirepass', SECRET] })
      await use(server)
      await server.stop()
    },
    { scope: 'file' },
  ],
  admin: async ({ guarded }, use) => {
    const redis = new Redis(withPassword(guarded.url, SECRET))
    await use(redis)
    await redis.quit()
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  env: async ({}, use) => {
    const sandbox = await startSandbox({ seed: 1 })
    await use({
      REDIS_URL: inject('redisUrl'),
      DATABASE_URL: await freshDatabase(),
      BURSAR_PREFIX: freshPrefix(),
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: sandbox.url,
    })
    await sandbox.close()
  },
})

function withPassword(url: string, password: string): string {
  const guarded = new URL(url)
  guarded.password = password
  return guarded.href
}

describe('bursar doctor', () => {
  test('finds nothing wrong where all is well, and shows no secret', async ({ env, guarded }) => {
    const url = withPassword(guarded.url, SECRET)
    const { healthy, of, options, stdout } = await examine({ ...env, REDIS_URL: url })
    expect(healthy).toBe(true)
    expect(of('redis durability')).toMatchObject([{ state: 'ok' }])
    expect(of('provider openai')).toMatchObject([{ state: 'ok' }])
    expect(of('slot')).toMatchObject([{ state: 'warn', found: 'not opened yet' }])
    expect(options.REDIS_URL).toContain(':***@')
    expect(stdout).not.toContain(SECRET)
    expect(stdout).not.toContain(KEY)
  })

  test('prints tables for people, with the mend of what is wrong at the end', async () => {
    const { code, stdout } = await bursar(['doctor'], { LOCAL_URL: 'http://127.0.0.1:1/v1' })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^OPTION +VALUE\n/)
    expect(stdout).toMatch(/\nredis +wrong +REDIS_URL is not set\n/)
    expect(stdout).toContain('\nredis: set REDIS_URL, e.g. redis://127.0.0.1:6379\n')
    expect(stdout).toMatch(/\d+ ok, \d+ to look at, \d+ wrong\n$/)
  })

  test('names a wrong option and its mend, never its value', async () => {
    const { of, stdout } = await examine({ REDIS_URL: 'postgres://u:hunter2@h/x' })
    expect(of('options')).toMatchObject([{ state: 'wrong', found: 'REDIS_URL cannot be read' }])
    expect(of('options')[0]?.mend).toContain('redis://')
    expect(stdout).not.toContain('hunter2')
  })

  test('tells a wrong Redis password from a Redis that is away', async ({ env, guarded }) => {
    const wrong = await examine({ ...env, REDIS_URL: withPassword(guarded.url, 'guess') })
    expect(wrong.of('redis')).toMatchObject([{ state: 'wrong' }])
    expect(wrong.of('redis')[0]?.mend).toContain('REDIS_URL')
    expect(wrong.of('redis')[0]?.found).toContain('password')
    const away = await examine({ ...env, REDIS_URL: 'redis://127.0.0.1:1' })
    expect(away.of('redis')[0]?.found).toContain('does not answer')
  })

  test('refuses an evicting Redis and warns of one that may forget', async ({
    env,
    guarded,
    admin,
  }) => {
    const REDIS_URL = withPassword(guarded.url, SECRET)
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const evicting = await examine({ ...env, REDIS_URL })
    expect(evicting.of('redis')[0]?.mend).toContain('CONFIG SET maxmemory-policy noeviction')
    await admin.config('SET', 'maxmemory-policy', 'noeviction')
    await admin.config('SET', 'appendfsync', 'everysec')
    const { of, healthy } = await examine({ ...env, REDIS_URL })
    await admin.config('SET', 'appendfsync', 'always')
    expect(healthy).toBe(true)
    expect(of('redis durability')).toMatchObject([
      {
        state: 'warn',
        mend: 'a crash loses about a second of bookings; run CONFIG SET appendfsync always',
      },
    ])
  })

  test('tells an unmigrated ledger from one that is away', async ({ env }) => {
    const empty = await examine({ ...env, DATABASE_URL: await emptyDatabase() })
    expect(empty.of('postgres')).toMatchObject([{ state: 'ok' }])
    expect(empty.of('postgres migrations')).toMatchObject([
      { state: 'wrong', mend: 'run `npx bursar migrate`' },
    ])
    const away = await examine({ ...env, DATABASE_URL: 'postgres://bursar@127.0.0.1:1/bursar' })
    expect(away.of('postgres')[0]?.mend).toContain('DATABASE_URL')
  })

  test('names each mistake of the policy with its line', async ({ env }) => {
    const folder = await mkdtemp(join(tmpdir(), 'bursar-policy-'))
    const path = join(folder, 'bad.yaml')
    await writeFile(path, 'version: 1\nbugdets: []\ntimezone: Mars/Olympus\n')
    const { of } = await examine({ ...env, BURSAR_POLICY: path })
    const found = of('policy').map((finding) => finding.found)
    expect(found).toContainEqual(expect.stringContaining('bad.yaml:2:1 bugdets'))
    expect(found).toContainEqual(expect.stringContaining('bad.yaml:3:11 timezone'))
  })

  test('says that the provider refuses the key, or is away', async ({ env }) => {
    const stern = createServer((_, res) => res.writeHead(401).end('{}')).listen(0, '127.0.0.1')
    await once(stern, 'listening')
    const { port } = z.object({ port: z.int() }).parse(stern.address())
    const url = `http://127.0.0.1:${port}/v1`
    const refused = await examine({ ...env, OPENAI_BASE_URL: url })
    expect(refused.of('provider openai')).toMatchObject([
      { state: 'wrong', found: `${url} refuses the key (401)` },
    ])
    expect(refused.of('provider openai')[0]?.mend).toContain('providers.openai.key')
    stern.close()
    await once(stern, 'close')
    const away = await examine({ ...env, OPENAI_BASE_URL: url })
    expect(away.of('provider openai')[0]?.found).toContain('ECONNREFUSED')
  })

  test('warns that without a key the sandbox answers', async ({ env }) => {
    const { of } = await examine({ ...env, OPENAI_API_KEY: '', OPENAI_BASE_URL: '' })
    expect(of('provider openai')).toMatchObject([{ state: 'warn' }])
    expect(of('provider openai')[0]?.mend).toContain('OPENAI_API_KEY')
  })

  test('--validate runs ten live checks and leaves no key behind', async ({
    env,
    guarded,
    admin,
  }) => {
    const REDIS_URL = withPassword(guarded.url, SECRET)
    await admin.set('bystander', '1')
    const { healthy, findings } = await examine({ ...env, REDIS_URL }, '--validate')
    const live = findings.filter(({ check }) => /^(cache|limits|money|jobs): /.test(check))
    expect(live.map(({ state, found }) => `${state} ${found}`)).toEqual(Array(10).fill('ok holds'))
    expect(healthy).toBe(true)
    expect(await admin.keys('*')).toEqual(['bystander'])
  })
})
