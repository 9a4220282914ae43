import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refreshNamespaces } from '../../jobs/refresh-namespaces.ts'
import { showCache } from '../../jobs/show-cache.ts'
import { createCache } from '../../src/client/cache/index.ts'
import { bursar } from './cli-harness.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { isEmbedded, POLICY } from './queue-rig.ts'

const CACHE = `responses: { ttl: 1h, index_tags: true, invalidate_on: [course.changed] }
  namespaces: { drafts: { ttl: 5m, invalidate_on: [draft.sent] }, mornings: { ttl: 1d, refresh_daily: "00:00" } }
  warming: { usd: "5" }
  hit_rate_target: 100`

const onRedis = isEmbedded ? () => {} : test

let rig: GatewayRig
let calls: () => number

beforeAll(async () => {
  const policy = POLICY.replace('responses: { ttl: 1h }', CACHE).replace(
    'basic:   {',
    "basic:   { models: ['text-embedding-3-small'],",
  )
  rig = await startGatewayRig({ policy })
  calls = () => rig.tap.calls.length
})
afterAll(() => rig?.close())

/** Asks so that others of the tenant may get the answer. */
const ask = (text: string, more: object = {}) =>
  rig.client.run({
    ...{ user: 'ann', tenant: 'acme', model: 'auto' },
    messages: [{ role: 'user', content: text }],
    ...more,
  })

/** Over the gateway, and in this process where there are servers to ask. */
const run = (...words: string[]) => bursar(['cache', ...words], { BURSAR_URL: rig.url })
async function everywhere(...words: string[]) {
  const there = await run(...words)
  if (!isEmbedded) {
    const here = await bursar(['cache', ...words], rig.env)
    expect(withoutMemory(here.stdout)).toBe(withoutMemory(there.stdout))
  }
  return there
}
/** What the server uses is another number at each look. */
const withoutMemory = (text: string): string =>
  text.replace(/^Redis uses .*$/m, '').replace(/"memory":(null|\{[^}]*\})/, '')
const json = async (...words: string[]) => JSON.parse((await run(...words, '--json')).stdout)

/** Somebody looks for data that nobody has; embedded, that is counted where nobody else sees it. */
async function countData(): Promise<void> {
  if (isEmbedded) return
  const { REDIS_URL: redisUrl = '', BURSAR_PREFIX: prefix = '' } = rig.env
  const cache = createCache({ redisUrl, prefix, logger: { info: () => {}, warn: () => {} } })
  await cache.get('drafts', 'nobody', { tenant: 'acme', user: 'ann' })
  await cache.close()
}

/** Whether an equal request is paid again. */
async function isPaidAgain(text: string, more: object = {}): Promise<boolean> {
  const before = calls()
  await ask(text, more)
  return calls() > before
}

describe('bursar cache', () => {
  test('stats say what is kept, what served and what that saved, the same everywhere', async () => {
    await ask('one')
    await ask('one')
    await ask('two', { tenant: 'other' })
    await rig.drain()
    const { stdout } = await everywhere('stats', '--json')
    const found = JSON.parse(stdout)
    expect(found.answers).toMatchObject({ kept: 2, counted: true })
    expect(found.answers.bytes).toBeGreaterThan(100)
    const [acme] = found.requests.filter((one: { tenant: string }) => one.tenant === 'acme')
    expect(acme).toMatchObject({ hits: 1, joined: 0, paid: 1, hitRate: 0.5 })
    expect(acme.savedNano).toBeGreaterThan(0)
    expect(await json('stats', '--tenant', 'other')).toMatchObject({ answers: { kept: 1 } })
    expect((await everywhere('stats')).stdout).toMatch(/answers kept: 2,[\s\S]*TENANT .*HITS/)
  })

  test('figures are counted anew from a reset on, and the answers stay', async () => {
    await ask('counted')
    await countData()
    await rig.drain()
    const before = await json('stats')
    expect([before.countedSince, before.data.length]).toEqual([null, isEmbedded ? 0 : 1])
    const { countedSince } = await json('reset-metrics')
    await ask('counted')
    await rig.drain()
    const after = await json('stats')
    expect(after).toMatchObject({ data: [], requests: [{ tenant: 'acme', hits: 1, paid: 0 }] })
    expect(after.answers.kept).toBe(before.answers.kept)
    expect(after.countedSince).toBe(countedSince)
    const { stdout } = await bursar(['audit', 'list'], { BURSAR_URL: rig.url })
    expect(stdout).toMatch(/operator +cache-reset-metrics +done/)
  })

  test('health is well while nothing is ill', async () => {
    const { code, stdout } = await run('health')
    expect([code, stdout.split('\n').at(-2)]).toEqual([0, 'the cache is well'])
    expect(await json('health')).toMatchObject({ ok: true })
  })

  test('a tag drops what depends on it, and nothing else', async () => {
    await ask('seven', { tags: { course: '7' } })
    await ask('eight', { tags: { course: '8' } })
    expect(await json('invalidate', '--tag', 'course=7', '--tenant', 'acme')).toMatchObject({
      dropped: 1,
    })
    expect(await isPaidAgain('eight', { tags: { course: '8' } })).toBe(false)
    expect(await isPaidAgain('seven', { tags: { course: '7' } })).toBe(true)
  })

  test('a user’s go with the user, a tenant’s with the tenant', async () => {
    await ask('mine', { user: 'bob' })
    await ask('theirs', { tenant: 'other' })
    expect(await json('invalidate', '--user', 'bob', '--tenant', 'acme')).toMatchObject({
      dropped: 1,
    })
    expect(await isPaidAgain('mine', { user: 'bob' })).toBe(true)
    await run('invalidate', '--tenant', 'acme')
    expect(await isPaidAgain('theirs', { tenant: 'other' })).toBe(false)
    expect(await isPaidAgain('mine', { user: 'bob' })).toBe(true)
  })

  test('an event ends answers where the policy says so, and says when it does not', async () => {
    await ask('about a course')
    const none = await run('invalidate', '--event', 'nobody.listens', '--answers')
    expect(none.stderr).toContain('no answers depend on that event')
    expect(await isPaidAgain('about a course')).toBe(false)
    await run('invalidate', '--event', 'course.changed', '--tenant', 'acme')
    expect(await isPaidAgain('about a course')).toBe(true)
  })

  test('everything goes only when somebody says yes, and who said so is on record', async () => {
    await ask('last')
    const { code, stderr } = await run('clear')
    expect([code, stderr]).toEqual([1, expect.stringContaining('Say --yes')])
    expect(await isPaidAgain('last')).toBe(false)
    expect((await run('clear', '--yes')).code).toBe(0)
    const found = await json('stats')
    expect(found.answers.kept).toBe(0)
    expect(found.invalidated[0]).toMatchObject({ by: 'operator', what: 'of=both everything' })
    expect(await isPaidAgain('last')).toBe(true)
  })

  test('what a file says is asked beforehand, for a budget of its own', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bursar-cache-'))
    const file = join(folder, 'prompts.jsonl')
    const messages = [{ role: 'user', content: 'beforehand' }]
    await writeFile(file, `${JSON.stringify({ model: 'auto', messages })}\n`)
    const words = ['warm', '--file', file, '--tenant', 'acme', '--user', 'ann']
    expect(await json(...words)).toMatchObject({ warmed: 1, already: 0, failed: 0 })
    expect(await isPaidAgain('beforehand', { user: 'bob' })).toBe(false)
    expect((await run(...words)).stdout).toContain('0 asked for 0.00 USD, 1 were there')
    await rm(folder, { recursive: true })
  })

  test('vectors go with whose they are', async () => {
    const embed = () =>
      rig.client.run({
        ...{ user: 'ann', tenant: 'acme', operation: 'embeddings' as const },
        ...{ model: 'text-embedding-3-small', input: ['a text'] },
      })
    const isPaid = async () => {
      const before = calls()
      await embed()
      return calls() > before
    }
    await embed()
    await run('invalidate', '--tenant', 'other')
    expect(await isPaid()).toBe(false)
    await run('invalidate', '--tenant', 'acme')
    expect(await isPaid()).toBe(true)
    await run('clear', '--answers', '--yes')
    expect(await isPaid()).toBe(true)
  })

  test('what says nothing, or two things, is refused in words', async () => {
    for (const words of [[], ['--tag', 'a', '--event', 'b'], ['--namespace', 'x', '--answers']]) {
      const { code, stderr } = await run('invalidate', ...words)
      expect([code, stderr]).toEqual([1, expect.stringContaining('error INVALID_REQUEST')])
    }
  })

  onRedis('data of programs is counted and dropped by the same words', async () => {
    const { REDIS_URL: redisUrl = '', BURSAR_PREFIX: prefix = '' } = rig.env
    const cache = createCache({ redisUrl, prefix, logger: { info: () => {}, warn: () => {} } })
    const owner = { tenant: 'acme', user: 'ann' }
    try {
      await cache.mset('drafts', { 'a:1': 1, 'a:2': 2, b: 3 }, { ...owner, tags: ['t'] })
      await cache.set('posts', 'p', 1, owner)
      await cache.mget('drafts', ['a:1', 'none'], owner)
      await cache.stats()
      expect((await json('stats')).data).toContainEqual(
        expect.objectContaining({ namespace: 'drafts', tenant: 'acme', hits: 1, misses: 1 }),
      )
      await cache.set('mornings', 'm', 1, owner)
      expect(await refreshNamespaces.run(rig.runtime)).toEqual({ mornings: 1 })
      await cache.set('mornings', 'm', 2, owner)
      expect(await refreshNamespaces.run(rig.runtime)).toEqual({})
      await showCache.run(rig.runtime)
      const metrics = await rig.runtime.metrics.registry.metrics()
      expect(metrics).toContain('bursar_cache_data{namespace="drafts",what="hits"} 1')
      expect(metrics).toMatch(/^bursar_cache_saved_nano_usd [1-9]/m)
      expect(metrics).toContain('bursar_cache_data_hit_ratio{namespace="drafts"} 0.5')
      const dropped = async (...words: string[]) => (await json('invalidate', ...words)).dropped
      expect(await dropped('--namespace', 'drafts', '--pattern', 'a:*')).toBe(2)
      expect(await dropped('--event', 'draft.sent', '--data')).toBe(1)
      expect(await cache.get('posts', 'p', owner)).toBe(1)
      expect(await dropped('--user', 'ann', '--tenant', 'acme', '--data')).toBe(2)
      await cache.set('posts', 'p', 1, owner)
      await run('clear', '--answers', '--yes')
      await ask('depends')
      const emitted = await cache.emit('course.changed', { tenant: 'acme' })
      expect(emitted).toContainEqual({ namespace: '(answers)', dropped: 1, refreshed: 0 })
      expect(await isPaidAgain('depends')).toBe(true)
    } finally {
      await cache.close()
    }
  })
})
