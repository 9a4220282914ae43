import { fork } from 'node:child_process'
import { once } from 'node:events'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createCodec } from '../../src/cache/codec/codec.ts'
import { readCacheKeys } from '../../src/cache/codec/keys.ts'
import { createDataCache } from '../../src/cache/data/data-cache.ts'
import { dropOnce } from '../../src/cache/data/drop-once.ts'
import { memoryDataStore } from '../../src/cache/data/memory-store.ts'
import { createNamespaces } from '../../src/cache/data/namespaces.ts'
import { redisDataStore } from '../../src/cache/data/redis-store.ts'
import type { DataStore } from '../../src/cache/data/store.ts'
import type { DataCache } from '../../src/cache/data/types.ts'
import { withFallback } from '../../src/cache/data/with-fallback.ts'
import { noCounts, noTimes } from '../../src/cache/figures/figures.ts'
import { createRecorder } from '../../src/cache/figures/recorder.ts'
import { redisFigures } from '../../src/cache/figures/redis-figures.ts'
import { memoryFigures } from '../../src/cache/figures/shelf.ts'
import { cacheKey, codeHash, createCache } from '../../src/client/cache/index.ts'
import { connectCommands } from '../../src/queue/connection.ts'
import { compiled } from '../helpers/compiled.ts'
import { connectRedis, freshPrefix } from '../helpers/redis.ts'
import { startRedis } from '../helpers/services/index.ts'
import { gate, POLICY as RULES, startRig, until } from './queue-rig.ts'

const SECRET = Buffer.alloc(32, 7).toString('base64')
const POLICY = {
  open: { ttlMs: 60_000, invalidateOn: ['rates.changed'], shared: true },
  secret: { ttlMs: 60_000, invalidateOn: [], shared: false, encrypt: true },
}

interface Told {
  readonly warnings: object[]
  readonly infos: object[]
}

function cacheOver(store: DataStore): DataCache & { readonly told: Told } {
  const told: Told = { warnings: [], infos: [] }
  const logger = {
    warn: (fields: object) => void told.warnings.push(fields),
    info: (fields: object) => void told.infos.push(fields),
  }
  const namespaces = createNamespaces(POLICY)
  const codec = createCodec(readCacheKeys(`k1:${SECRET}`))
  const figures = memoryFigures()
  const cache = createDataCache({
    ...{ store, codec, logger, figures, recorder: createRecorder() },
    namespaces: async () => namespaces,
    defaultTenant: () => 'default',
  })
  return { ...cache, told }
}

let redis: Redis
beforeAll(() => {
  redis = connectRedis()
})
afterAll(async () => {
  await redis.quit()
})

describe.each([
  { where: 'in memory', open: () => memoryDataStore() },
  { where: 'in Redis', open: () => redisDataStore(redis, freshPrefix().replace(/[{}]/g, '')) },
])('cached data $where', ({ open }) => {
  let store: DataStore
  let cache: ReturnType<typeof cacheOver>
  beforeEach(() => {
    store = open()
    cache = cacheOver(store)
  })

  test('comes back as it was, until it is deleted or its time is over', async () => {
    await cache.set('profiles', 'ann', { name: 'Ann', tags: [1, null] })
    expect(await cache.get('profiles', 'ann')).toEqual({ name: 'Ann', tags: [1, null] })
    expect(await cache.exists('profiles', 'ann')).toBe(true)
    expect(await cache.delete('profiles', ['ann', 'bob'])).toBe(1)
    expect(await cache.get('profiles', 'ann')).toBeUndefined()
    await cache.set('profiles', 'brief', 1, { ttlMs: 20 })
    await until(async () => !(await cache.exists('profiles', 'brief')))
    expect(cache.counts().profiles).toMatchObject({ hits: 1, misses: 1 })
  })

  test('many at once keep their order, and those that are missing are missing', async () => {
    const all = Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [`k${i}`, i]))
    await cache.mset('search', all, { tags: ['a', 'b'] })
    expect(await cache.mget('search', ['k3', 'none', 'k1499'])).toEqual([3, undefined, 1_499])
    expect(await cache.invalidateTag('search', 'a')).toBe(1_500)
    expect(await cache.mget('search', ['k3'])).toEqual([undefined])
  })

  test('a batch answers in its order', async () => {
    await cache.set('posts', 'one', 'first')
    const batch = cache.batch().get('posts', 'one').set('posts', 'two', 2).exists('posts', 'none')
    expect(await batch.delete('posts', 'one').run()).toEqual(['first', undefined, false, true])
    expect(await cache.get('posts', 'two')).toBe(2)
  })

  test('counts, and refuses to count what is no number', async () => {
    const counts = await Promise.all(
      Array.from({ length: 20 }, () => cache.increment('metrics', 'n')),
    )
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(await cache.increment('metrics', 'n', -5)).toBe(15)
    expect(await cache.get('metrics', 'n')).toBe(15)
    await cache.set('metrics', 'text', 'x')
    await expect(cache.increment('metrics', 'text')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    expect(await cache.expire('metrics', 'n', 10)).toBe(true)
    await until(async () => !(await cache.exists('metrics', 'n')))
    expect(await cache.expire('metrics', 'n', 10)).toBe(false)
  })

  test('no two owners ever share a value, and one owner always finds it', async () => {
    const owner = fc.record(
      {
        tenant: fc.constantFrom('t', 'u', 't/u', 't:u'),
        user: fc.constantFrom('u', 't', '-', 'u/k'),
      },
      { requiredKeys: [] },
    )
    const key = fc.constantFrom('k', 'u/k', '-/k', 'k*')
    await fc.assert(
      fc.asyncProperty(owner, key, owner, key, async (mine, myKey, other, otherKey) => {
        await cache.set('progress', myKey, 'mine', mine)
        const same =
          myKey === otherKey &&
          mine.user === other.user &&
          (mine.tenant ?? 'default') === (other.tenant ?? 'default')
        expect(await cache.get('progress', otherKey, other)).toBe(same ? 'mine' : undefined)
        await cache.delete('progress', myKey, mine)
      }),
      { numRuns: 200 },
    )
  })

  test('what is shared is one for all tenants', async () => {
    await cache.set('open', 'rate', 1.1, { tenant: 'a' })
    expect(await cache.get('open', 'rate', { tenant: 'b' })).toBe(1.1)
  })

  test('a pattern empties its owner’s keys alone', async () => {
    for (const user of ['ann', 'bob']) {
      await cache.mset('exercises', { 'c:1': 1, 'c:2': 2, d: 3 }, { user })
    }
    expect(await cache.deletePattern('exercises', 'c:*', { user: 'ann' })).toBe(2)
    expect(await cache.mget('exercises', ['c:1', 'd'], { user: 'ann' })).toEqual([undefined, 3])
    expect(await cache.mget('exercises', ['c:1', 'd'], { user: 'bob' })).toEqual([1, 3])
    expect(await cache.deletePattern('exercises', 'c:?', { user: 'bob' })).toBe(2)
  })

  test('an event empties what depends on it: of the user, of the tenant, of all', async () => {
    const put = async () => {
      for (const tenant of ['a', 'b']) {
        for (const user of ['ann', 'bob']) {
          await cache.set('struggling-areas', 'now', 1, { tenant, user })
          await cache.set('profiles', 'now', 1, { tenant, user })
        }
      }
    }
    const left = async (namespace: string) => {
      let count = 0
      for (const tenant of ['a', 'b']) {
        for (const user of ['ann', 'bob']) {
          if (await cache.exists(namespace, 'now', { tenant, user })) count += 1
        }
      }
      return count
    }
    await put()
    const emptied = await cache.emit('progress.updated', { tenant: 'a', user: 'ann' })
    expect(emptied).toContainEqual({ namespace: 'struggling-areas', dropped: 1, refreshed: 0 })
    expect(await left('struggling-areas')).toBe(3)
    await cache.emit('progress.updated', { tenant: 'a' })
    expect(await left('struggling-areas')).toBe(2)
    await cache.emit('progress.updated')
    expect(await left('struggling-areas')).toBe(0)
    expect(await left('profiles')).toBe(4)
    expect(await cache.invalidateUser(['profiles'], { tenant: 'b', user: 'bob' })).toBe(1)
    expect(await cache.emit('nobody.listens')).toEqual([])
    expect(cache.told.infos).toContainEqual(
      expect.objectContaining({ event: 'progress.updated', namespace: 'progress', dropped: 0 }),
    )
  })

  test('a value that runs out is made once for all who ask for it', async () => {
    const [first, second] = [cacheOver(store), cacheOver(store)]
    const { wait, open: letGo } = gate()
    let loads = 0
    const load = async () => {
      loads += 1
      await wait
      return { made: loads }
    }
    const asked = Array.from({ length: 40 }, (_, i) =>
      (i % 2 === 0 ? first : second).wrap('user-context', 'k', load, { user: 'ann' }),
    )
    await until(async () => loads > 0)
    letGo()
    expect(new Set((await Promise.all(asked)).map(({ made }) => made))).toEqual(new Set([1]))
    expect(await first.wrap('user-context', 'k', load, { user: 'ann' })).toEqual({ made: 1 })
    expect(loads).toBe(1)
  })

  test('an event makes anew what this process has a loader for, and drops what it has none for', async () => {
    const owner = { tenant: 'a', user: 'ann' }
    let made = 0
    cache.register('recommendations', (key, whose) => {
      if (key === 'broken') throw new Error('no')
      made += 1
      return `${key} of ${whose.user ?? whose.tenant}, ${made}`
    })
    await cache.mset('recommendations', { top: 'old', broken: 'old' }, owner)
    await cache.set('recommendations', 'top', 'old', { tenant: 'a', user: 'bob' })
    await cache.set('struggling-areas', 'now', 'old', owner)
    const mine = await cache.emit('progress.updated', owner)
    expect(mine).toContainEqual({ namespace: 'recommendations', dropped: 1, refreshed: 1 })
    expect(mine).toContainEqual({ namespace: 'struggling-areas', dropped: 1, refreshed: 0 })
    expect(await cache.get('recommendations', 'top', owner)).toBe('top of ann, 1')
    expect(await cache.exists('recommendations', 'broken', owner)).toBe(false)
    // Whose the others are is nowhere kept.
    await cache.set('recommendations', 'all', 'old', { tenant: 'a' })
    const all = await cache.emit('progress.updated', { tenant: 'a' })
    expect(all).toContainEqual({ namespace: 'recommendations', dropped: 2, refreshed: 1 })
    expect(await cache.get('recommendations', 'all', { tenant: 'a' })).toBe('all of a, 2')
  })

  test('warming makes what is missing, by the loader that is registered', async () => {
    const owner = { user: 'ann' }
    await expect(cache.warm('user-context', ['a'], owner)).rejects.toThrow('cache.register')
    cache.register('user-context', (key) => `made ${key}`)
    await cache.set('user-context', 'a', 'there', owner)
    expect(await cache.warm('user-context', ['a', 'b', 'c'], owner)).toBe(2)
    expect(await cache.mget('user-context', ['a', 'b'], owner)).toEqual(['there', 'made b'])
  })

  test('what is to go every day goes once a day, of every tenant', async () => {
    for (const tenant of ['a', 'b']) await cache.set('posts', 'p', 1, { tenant, user: 'ann' })
    expect(await dropOnce(store, 'posts', '2026-11-21')).toBe(2)
    await cache.set('posts', 'p', 2)
    expect(await dropOnce(store, 'posts', '2026-11-21')).toBeNull()
    expect(await cache.get('posts', 'p')).toBe(2)
    expect(await dropOnce(store, 'posts', '2026-11-22')).toBe(1)
  })

  test('a loader that fails is not kept, and the next one may try', async () => {
    const broken = () => Promise.reject(new Error('no'))
    await expect(cache.wrap('search', 'k', broken)).rejects.toThrow('no')
    expect(await cache.wrap('search', 'k', () => 2)).toBe(2)
  })

  test('a value that the reader refuses is a miss', async () => {
    await cache.set('posts', 'p', { title: 1 })
    const parse = (value: unknown): string => {
      if (typeof value !== 'string') throw new TypeError('not a text')
      return value
    }
    expect(await cache.get('posts', 'p', { parse })).toBeUndefined()
    expect(await cache.wrap('posts', 'p', () => 'made', { parse })).toBe('made')
    expect(cache.counts().posts?.unreadable).toBe(2)
  })

  test('wrong names, times and values are refused in words', async () => {
    const refused = { code: 'INVALID_ARGUMENT' }
    await expect(cache.get('nowhere', 'k')).rejects.toMatchObject(refused)
    await expect(cache.set('posts', 'k', undefined)).rejects.toMatchObject(refused)
    await expect(cache.set('posts', 'k', 1, { ttlMs: 0 })).rejects.toMatchObject(refused)
  })
})

test('what was damaged, cut short or written under another key is a miss, and is told', async () => {
  const prefix = freshPrefix().replace(/[{}]/g, '')
  const cache = cacheOver(redisDataStore(redis, prefix))
  const harms: ((kept: string) => string)[] = [
    (kept) => kept.slice(0, -1),
    (kept) => `${kept.slice(0, -2)}zz`,
    () => '',
    () => '2b.k9.x\nfrom a later version',
    (kept) => kept.replace('.k1', '.k0'),
  ]
  for (const [at, harm] of harms.entries()) {
    await cache.set('secret', `k${at}`, { text: 'the answer is 42' })
    const [name = ''] = await redis.keys(`${prefix}:*v:*k${at}`)
    const kept = (await redis.get(name)) ?? ''
    expect(kept).not.toContain('answer')
    await redis.set(name, harm(kept))
    expect(await cache.get('secret', `k${at}`)).toBeUndefined()
  }
  expect(cache.told.warnings).toHaveLength(harms.length)
})

test('while Redis is away it goes on in memory, and what was dropped meanwhile stays dropped', async () => {
  const server = await startRedis()
  const commands = connectCommands({ url: server.url, name: 'data', timeoutMs: 200 })
  let now = 0
  const logged: object[] = []
  const logger = {
    warn: (fields: object) => void logged.push(fields),
    info: (fields: object) => void logged.push(fields),
  }
  const shared = redisDataStore(commands)
  const cache = cacheOver(
    withFallback({ shared, local: memoryDataStore(), logger, now: () => now }),
  )
  try {
    await cache.mset('profiles', { old: 1, gone: 1 }, { user: 'ann' })
    await server.pause()
    expect(await cache.get('profiles', 'old', { user: 'ann' })).toBeUndefined()
    await cache.set('profiles', 'old', 2, { user: 'ann' })
    expect(await cache.get('profiles', 'old', { user: 'ann' })).toBe(2)
    await cache.delete('profiles', 'gone', { user: 'ann' })
    await server.resume()
    now += 60_000
    await until(async () => {
      now += 60_000
      await cache.get('profiles', 'x')
      return logged.length >= 2
    })
    expect(await cache.mget('profiles', ['old', 'gone'], { user: 'ann' })).toEqual([
      undefined,
      undefined,
    ])
    await cache.set('profiles', 'old', 3, { user: 'ann' })
    expect(await cacheOver(shared).get('profiles', 'old', { user: 'ann' })).toBe(3)
    expect(logged).toHaveLength(2)
  } finally {
    commands.disconnect()
    await server.stop()
  }
})

test('what all processes count is told by any of them', async () => {
  const prefix = freshPrefix()
  const redisUrl = inject('redisUrl')
  const logger = { warn: () => {}, info: () => {} }
  const open = () => createCache({ redisUrl, prefix, logger })
  const [one, two] = [open(), open()]
  try {
    await one.set('search', 'q', 'found', { tenant: 'a' })
    await one.mget('search', ['q', 'none'], { tenant: 'a' })
    await two.get('search', 'q', { tenant: 'a' })
    await two.wrap('search', 'w', () => 1, { tenant: 'b' })
    await one.stats()
    const stats = await two.stats()
    expect(stats).toEqual([
      expect.objectContaining({
        ...{ namespace: 'search', tenant: 'a', hits: 2, misses: 1, hitRate: 2 / 3 },
        readMs: { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) },
      }),
      expect.objectContaining({ namespace: 'search', tenant: 'b', misses: 1, loaded: 1 }),
    ])
    expect(stats[0]?.bytes).toBeGreaterThan(0)
  } finally {
    await Promise.all([one.close(), two.close()])
  }
})

test('tenants beyond those that are told apart are counted together, and no figure is lost', async () => {
  const figures = redisFigures(redis, freshPrefix().replace(/[{}]/g, ''), 4)
  const line = (tenant: string) => ({
    ...{ namespace: 'n', tenant, times: noTimes() },
    counts: { ...noCounts(), hits: 1, misses: 2 },
  })
  await figures.add(['a', 'b', 'c', 'd'].map(line), 0)
  await figures.add(['a', 'd'].map(line), 0)
  const read = await figures.read(1, 0)
  const hits = read.map(({ tenant, counts }) => `${tenant} ${counts.hits} ${counts.misses}`)
  expect(hits.toSorted()).toEqual(['(others) 3 6', 'a 2 4', 'b 1 2'])
})

test('a program that is done ends, though nobody closed its cache', async ({ signal }) => {
  const env = { ...process.env, REDIS_URL: inject('redisUrl'), BURSAR_PREFIX: freshPrefix() }
  const child = fork(await compiled(new URL('./data-cache-child.ts', import.meta.url)), {
    ...{ env, stdio: 'pipe', signal },
  })
  let said = ''
  child.stdout?.on('data', (text) => {
    said += String(text)
  })
  const [code] = await once(child, 'exit')
  expect([code, said.split('\n').at(-2)]).toEqual([0, 'kept'])
})

test('a program’s cache knows the namespaces of the policy in force, and the tenant that is meant', async () => {
  const namespaces = 'namespaces: { drafts: { ttl: 5m, invalidate_on: [draft.sent] } }'
  const policy = RULES.replace('responses: { ttl: 1h }', `responses: { ttl: 1h }\n  ${namespaces}`)
  const rig = await startRig({ workers: false, policy })
  const own = { letters: { ttlMs: 1_000, invalidateOn: ['draft.sent'] } }
  const { REDIS_URL: redisUrl = '', BURSAR_PREFIX: prefix = '' } = rig.env
  const logger = { warn: () => {}, info: () => {} }
  const cache = createCache({ redisUrl, prefix, namespaces: own, logger })
  const user = cacheKey('ann', prefix)
  try {
    await cache.set('drafts', 'd', 'text', { user })
    expect(await cache.get('drafts', 'd', { user, tenant: 'default' })).toBe('text')
    await cache.set('letters', 'l', 'text', { user })
    const emptied = await cache.emit('draft.sent', { user })
    expect(emptied.map(({ namespace, dropped }) => `${namespace} ${dropped}`).toSorted()).toEqual([
      'drafts 1',
      'letters 1',
    ])
    await expect(cache.get('elsewhere', 'k')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  } finally {
    await cache.close()
    await rig.close()
  }
})

test('equal parts make equal keys, different ones never do', () => {
  expect(cacheKey('course', 7, { page: 2, by: 'name' })).toBe(
    cacheKey('course', 7, { by: 'name', page: 2 }),
  )
  expect(cacheKey('course', 7, 'x')).toMatch(/^course:#7:x$/)
  const parts = fc.array(
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string())),
    { maxLength: 4 },
  )
  fc.assert(
    fc.property(parts, parts, (some, others) => {
      const same = JSON.stringify(some) === JSON.stringify(others)
      expect(cacheKey(...some) === cacheKey(...others)).toBe(same)
    }),
  )
  expect(cacheKey('a:b')).not.toBe(cacheKey('a', 'b'))
  expect(cacheKey('#7')).not.toBe(cacheKey(7))
})

test('code is named by what it says, not by how its lines end', () => {
  expect(codeHash('a = 1\r\nb = 2  \n')).toBe(codeHash('a = 1\nb = 2'))
  expect(codeHash('if x:\n  y')).not.toBe(codeHash('if x:\ny'))
  expect(codeHash('x', 'python')).not.toBe(codeHash('x', 'ruby'))
})
