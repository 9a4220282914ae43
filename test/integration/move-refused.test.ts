import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import { openEmbeddedDatabase } from '../../src/embedded/database.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { registerPolicy } from '../../src/ledger/policies.ts'
import { beginEpoch } from '../../src/ledger/slot-row.ts'
import { redisBackend } from '../../src/queue/backend.ts'
import { connectPatient } from '../../src/queue/connection.ts'
import { JOB_NAME } from '../../src/queue/names.ts'
import { withClient } from '../helpers/postgres.ts'
import { startRedis } from '../helpers/services/index.ts'
import { bursar } from './cli-harness.ts'
import { jobData } from './embedded-job.ts'
import { createTarget, type TargetEnv } from './move-world.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-refused-'))
  await (await openEmbeddedDatabase({ folder })).close()
})
afterAll(() => rm(folder, { recursive: true }))

const move = (env: NodeJS.ProcessEnv, ...words: string[]) =>
  bursar(['move', '--folder', folder, ...words], env)

async function onRedis(target: TargetEnv, work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(target.REDIS_URL)
  await work(redis)
  redis.disconnect()
}

async function onLedger(
  { DATABASE_URL: databaseUrl }: TargetEnv,
  work: (ledger: Awaited<ReturnType<typeof openLedger>>) => Promise<unknown>,
): Promise<void> {
  await migrate(databaseUrl)
  const ledger = await openLedger({ databaseUrl })
  await work(ledger)
  await ledger.close()
}

async function addJob(target: TargetEnv, delay: number): Promise<void> {
  const connection = connectPatient({ url: target.REDIS_URL, name: 'test' })
  const queue = redisBackend(connection, target.BURSAR_QUEUE_PREFIX).openQueue('batch')
  await queue.add(JOB_NAME, jobData('somebody-elses'), { jobId: 'somebody-elses', delay })
  await queue.close()
  connection.disconnect()
}

/** Everything under the target's names, and how many tables its database has. */
async function contentOf(target: TargetEnv) {
  const content: Record<string, unknown> = {}
  await onRedis(target, async (redis) => {
    for (const prefix of [target.BURSAR_PREFIX, target.BURSAR_QUEUE_PREFIX]) {
      const keys = (await redis.keys(`${prefix}:*`)).toSorted()
      content[prefix] = await Promise.all(keys.map(async (key) => [key, await redis.dump(key)]))
    }
  })
  content.tables = await withClient(target.DATABASE_URL, (client) =>
    client
      .query(`select relname, n_live_tup from pg_stat_user_tables order by relname`)
      .then(({ rows }) => rows.map((row) => row.relname)),
  )
  return content
}

type Case = readonly [name: string, fill: (target: TargetEnv) => Promise<void>, found: RegExp]
const inTheWay: readonly Case[] = [
  [
    'an open slot',
    (target) =>
      onRedis(target, async (redis) => {
        const store = await createRedisStore({ redis, prefix: target.BURSAR_PREFIX })
        await store.open(1)
        await store.close()
      }),
    /:slot in Redis/,
  ],
  [
    'windows without a slot',
    (target) => onRedis(target, (redis) => redis.zadd(`${target.BURSAR_PREFIX}:windows`, 1, 'w')),
    /:windows in Redis/,
  ],
  [
    'entries that no ledger has read',
    (target) =>
      onRedis(target, (redis) => redis.xadd(`${target.BURSAR_PREFIX}:out`, '*', 'e', 'x')),
    /:out in Redis/,
  ],
  [
    'a slot that another move began',
    (target) =>
      onRedis(target, (redis) =>
        redis.mset(
          `${target.BURSAR_PREFIX}:slot`,
          'closed 2 0 0 x',
          `${target.BURSAR_PREFIX}:move`,
          'x',
        ),
      ),
    /:slot in Redis/,
  ],
  ['a queued job', (target) => addJob(target, 0), /1 jobs in the queue/],
  ['a parked job', (target) => addJob(target, 60_000), /1 jobs in the queue/],
  [
    'a policy in the ledger',
    (target) => onLedger(target, (ledger) => registerPolicy(ledger, { any: 'policy' })),
    /1 rows in the ledger's table policies/,
  ],
  [
    'an end in the ledger',
    (target) =>
      onLedger(target, ({ db }) =>
        db.execute(
          sql`insert into requests (job, outcome, reason, ended_at_ms, epoch, seq) values ('j', 'failed', '', 1, 1, '1-0')`,
        ),
      ),
    /1 rows in the ledger's table requests/,
  ],
  [
    'the ledger of a slot',
    (target) => onLedger(target, beginEpoch),
    /ledger of a slot \(epoch 1\)/,
  ],
]

test.each(inTheWay)(
  '%s is in the way: it is named, and nothing is written',
  async (_, fill, found) => {
    const target = await createTarget()
    await fill(target)
    const before = await contentOf(target)
    const { code, stdout, stderr } = await move(target)
    expect(stderr).toMatch(/^error TARGET_NOT_EMPTY: /)
    expect(stderr).toMatch(found)
    expect([code, stdout]).toEqual([1, ''])
    expect(await contentOf(target)).toEqual(before)
    expect(existsSync(join(folder, 'moved.json'))).toBe(false)
  },
)

test('a dry run says what is in the way, and writes nothing either', async () => {
  const target = await createTarget()
  await addJob(target, 0)
  const before = await contentOf(target)
  const { code, stdout } = await move(target, '--dry-run', '--json')
  expect(code).toBe(1)
  expect(JSON.parse(stdout).found.join()).toMatch(/1 jobs in the queue/)
  expect(await contentOf(target)).toEqual(before)
})

test('a Redis that evicts is refused before anything else', async () => {
  const server = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
  const target = { ...(await createTarget()), REDIS_URL: server.url }
  const { code, stderr } = await move(target)
  await server.stop()
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error REDIS_UNSUITABLE: Redis evicts keys/)
})

test('a folder that a process has open is refused, with the process and how to stop it', async () => {
  const target = await createTarget()
  const open = await openEmbeddedDatabase({ folder })
  const { code, stderr } = await move(target)
  await open.close()
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error DATA_FOLDER_IN_USE: /)
  expect(stderr).toContain(`stop that process (kill ${process.pid})`)
})

test.each([
  ['without addresses', {}, /INVALID_OPTIONS: set REDIS_URL and DATABASE_URL/],
  ['with half of them', { REDIS_URL: 'redis://127.0.0.1:1' }, /INVALID_OPTIONS/],
])('a move %s says what to set', async (_, env, message) => {
  const { code, stderr } = await move(env)
  expect(code).toBe(1)
  expect(stderr).toMatch(message)
})

test('a folder without data is none, and stays as it is', async () => {
  const empty = join(folder, 'nothing')
  const { code, stderr } = await bursar(['move', '--folder', empty], await createTarget())
  expect(code).toBe(1)
  expect(stderr).toMatch(/INVALID_ARGUMENT: there is no data of an embedded Bursar/)
  expect(existsSync(empty)).toBe(false)
})

test('a mark that this version cannot read is not taken for none', async () => {
  const file = join(folder, 'moved.json')
  await writeFile(file, '{"v":2}')
  await expect(openEmbeddedDatabase({ folder })).rejects.toMatchObject({
    code: 'DATA_FOLDER_MOVED',
  })
  expect((await move(await createTarget())).stderr).toMatch(/^error DATA_FOLDER_MOVED: /)
  await rm(file)
})

test('a folder in which nothing ever happened is moved too', async () => {
  const target = await createTarget()
  const { code, stdout } = await move(target, '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    when: 'now',
    summary: { rows: 0, windows: 0, queued: 0 },
  })
  await rm(join(folder, 'moved.json'))
})
