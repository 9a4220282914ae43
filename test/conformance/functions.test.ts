import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { IntakeCommand } from '../../src/admission/commands.ts'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'

// Of its own: what it knows is forgotten, and whom it lets do what is changed.
let server: Server
let redis: Redis
beforeAll(async () => {
  server = await startRedis({ appendfsync: 'no' })
  redis = new Redis(server.url)
})
afterAll(async () => {
  await redis.quit()
  await server.stop()
})

const START_MS = Date.UTC(2026, 10, 21, 14)

const asked = (job: string): IntakeCommand => ({
  job,
  limits: [{ kind: 'fixed-window', key: 'calls/u1', limit: 3, perMs: 3_600_000 }],
  cacheKey: null,
  meta: '{}',
  body: null,
})

async function openSlot(connection: Redis, prefix: string) {
  const store = await createRedisStore({ redis: connection, prefix, clock: () => START_MS })
  await store.open(1)
  return store
}

/** What is left of the limit after one more, or why there was none. */
async function left(store: Awaited<ReturnType<typeof openSlot>>, job: string) {
  const reply = await store.intake(asked(job))
  return 'limits' in reply ? reply.limits[0]?.remaining : reply.outcome
}

const calls = async (name: string): Promise<number> => {
  const stats = await redis.info('commandstats')
  return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
}

test('a server that knows no function is taught it, and taught again when it has forgotten', async () => {
  const store = await openSlot(redis, '{f-taught}')
  const scripts = await calls('evalsha')
  expect(await left(store, 'job-1')).toBe(2)
  await redis.call('FUNCTION', 'FLUSH')
  expect(await left(store, 'job-2')).toBe(1)
  expect(await calls('evalsha')).toBe(scripts)
  await store.close()
})

test('two processes that teach it at the same time both go on', async () => {
  await redis.call('FUNCTION', 'FLUSH')
  const others = [redis.duplicate(), redis.duplicate()]
  const stores = await Promise.all(others.map((other) => openSlot(other, '{f-both}')))
  const both = await Promise.all(stores.map((store, i) => left(store, `job-${i}`)))
  expect(both.toSorted()).toEqual([1, 2])
  for (const other of others) await other.quit()
})

test.each(['-fcall', '-function|load', '-@all +@all -@scripting +evalsha +eval +fcall'])(
  'whoever may not use functions (%s) is answered by scripts',
  async (rights) => {
    await redis.call('FUNCTION', 'FLUSH')
    const rules = ['on', '>secret', '~*', '&*', '+@all', ...rights.split(' ')]
    await redis.call('ACL', 'SETUSER', 'app', 'reset', ...rules)
    const app = redis.duplicate({ username: 'app', password: 'secret' })
    const store = await openSlot(app, `{f${rights.length}}`)
    const before = await calls('evalsha')
    expect([await left(store, 'job-1'), await left(store, 'job-2')]).toEqual([2, 1])
    expect(await calls('evalsha')).toBeGreaterThan(before)
    await app.quit()
  },
)

// Red where a function keeps what the call before it had read: it would answer from a slot of long ago.
test('a call finds nothing that another one left behind, not even one that failed', async () => {
  const store = await openSlot(redis, '{f-anew}')
  expect(await left(store, 'job-1')).toBe(2)
  await redis.set('{f-anew}:j:job-2', 'x')
  await expect(store.intake(asked('job-2'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  await redis.del('{f-anew}:q:f3600000:calls/u1', '{f-anew}:j:job-2')
  expect(await left(store, 'job-3')).toBe(2)
  await redis.set('{f-anew}:slot', 'closed 1 0 0 x')
  expect(await left(store, 'job-4')).toBe('unavailable')
  await store.close()
})
