import type { Redis } from 'ioredis'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createSessionGauges } from '../../src/access/sessions/gauges.ts'
import { memorySessions } from '../../src/access/sessions/memory.ts'
import { redisSessions } from '../../src/access/sessions/redis/sessions.ts'
import type { Sessions } from '../../src/access/sessions/types.ts'
import { connectRedis, freshPrefix } from '../helpers/redis.ts'

const HOUR_MS = 3_600_000
const ANN = { tenant: 'acme', user: 'ann' }

let redis: Redis
beforeAll(() => {
  redis = connectRedis()
})
afterAll(async () => {
  await redis.quit()
})

const times = { perUser: 3, longestMs: 72 * HOUR_MS }
describe.each([
  { where: 'in memory', over: (now: () => number) => memorySessions(times, now) },
  {
    where: 'in Redis',
    over: (now: () => number) => redisSessions({ redis, prefix: freshPrefix(), now, ...times }),
  },
])('sessions $where', ({ over }) => {
  let nowMs: number
  let sessions: Sessions
  beforeEach(() => {
    nowMs = Date.now()
    sessions = over(() => nowMs)
  })

  test('a token opens its session alone, and keeps it open as long as it is used', async () => {
    const { token, session } = await sessions.open({
      ...ANN,
      ip: '203.0.113.7',
      agent: 'Firefox',
      data: { roles: ['editor'] },
    })
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(session).toMatchObject({ ...ANN, requests: 0, endsAtMs: nowMs + 24 * HOUR_MS })
    nowMs += 23 * HOUR_MS
    expect(await sessions.touch(token, { ip: '203.0.113.8' })).toEqual({
      ...session,
      ip: '203.0.113.8',
      requests: 1,
      seenAtMs: nowMs,
      endsAtMs: nowMs + 24 * HOUR_MS,
    })
    nowMs += 23 * HOUR_MS
    expect(await sessions.touch(token)).toMatchObject({ requests: 2, data: { roles: ['editor'] } })
    nowMs += 24 * HOUR_MS
    expect(await sessions.touch(token)).toBeNull()
  })

  test('however it is used it ends at last', async () => {
    const { token, session } = await sessions.open(ANN)
    for (let hour = 0; hour < 60; hour += 20) {
      nowMs += 20 * HOUR_MS
      expect(await sessions.touch(token)).not.toBeNull()
    }
    expect((await sessions.list(ANN))[0]?.endsAtMs).toBe(session.lastsUntilMs)
    nowMs = session.lastsUntilMs
    expect(await sessions.touch(token)).toBeNull()
  })

  test('nothing that is no token of a session opens one, its id and its hash neither', async () => {
    const { token, session } = await sessions.open(ANN)
    const other = `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`
    for (const wrong of ['', session.id, other, `${token}x`, `${token.slice(0, 42)} `]) {
      expect(await sessions.touch(wrong), wrong).toBeNull()
    }
    expect(await sessions.touch(token)).toMatchObject({ requests: 1 })
  })

  test('somebody has several, sees them, and ends one or all but this one', async () => {
    const [first, second, third] = await openThree()
    await sessions.touch(first.token)
    const bob = await sessions.open({ tenant: 'other', user: 'ann' })
    expect((await sessions.list(ANN)).map(({ agent }) => agent)).toEqual(['a', 'c', 'b'])
    expect(await sessions.revoke(second.session.id)).toBe(true)
    expect(await sessions.revoke(second.session.id)).toBe(false)
    expect(await sessions.touch(second.token)).toBeNull()
    expect(await sessions.revokeAll(ANN, first.session.id)).toBe(1)
    expect(await sessions.touch(third.token)).toBeNull()
    expect(await sessions.touch(first.token)).not.toBeNull()
    expect(await sessions.revokeAll(ANN)).toBe(1)
    expect(await sessions.touch(bob.token)).not.toBeNull()
  })

  async function openThree() {
    const opened = []
    for (const agent of ['a', 'b', 'c']) {
      nowMs += 1
      opened.push(await sessions.open({ ...ANN, agent }))
    }
    nowMs += 1
    const [first, second, third] = opened
    if (!first || !second || !third) throw new Error('three were opened')
    return [first, second, third] as const
  }

  test('one too many takes the place of the one that was idle longest', async () => {
    const [first, second] = await openThree()
    await sessions.touch(first.token)
    nowMs += 1
    await sessions.open(ANN)
    expect(await sessions.touch(second.token)).toBeNull()
    expect(await sessions.touch(first.token)).not.toBeNull()
    expect(await sessions.stats()).toMatchObject({ active: 3, users: 1, opened: 4, replaced: 1 })
  })

  test('figures follow, and a clean-up forgets what ended by itself', async () => {
    const [first] = await openThree()
    await sessions.open({ user: 'bob' })
    await sessions.revoke(first.session.id)
    expect(await sessions.stats()).toMatchObject({ active: 3, users: 2, revoked: 1, expired: 0 })
    nowMs += 24 * HOUR_MS
    expect(await sessions.stats()).toMatchObject({ active: 0, users: 0 })
    expect(await sessions.list(ANN)).toEqual([])
    expect(await sessions.revokeAll(ANN)).toBe(0)
    expect(await sessions.cleanUp()).toBe(3)
    expect(await sessions.cleanUp()).toBe(0)
    expect(await sessions.stats()).toMatchObject({ opened: 4, expired: 3, revoked: 1 })
  })

  test('what is known at every request is small', async () => {
    const open = sessions.open({ ...ANN, data: { all: 'x'.repeat(5_000) } })
    await expect(open).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

test('Redis holds neither a token nor a name in a key, and forgets an idle session by itself', async () => {
  const prefix = freshPrefix()
  const sessions = redisSessions({ redis, prefix })
  const { token, session } = await sessions.open(ANN)
  const keys = await redis.keys(`{${prefix.slice(1, -1)}-sessions}:*`)
  const texts = await Promise.all(
    keys.map(async (key) => {
      const type = await redis.type(key)
      return type === 'hash'
        ? JSON.stringify(await redis.hgetall(key))
        : redis.zrange(key, '0', '-1')
    }),
  )
  const all = `${keys.join('\n')}\n${texts.join('\n')}`
  expect(keys).toHaveLength(5)
  expect(all).toContain(session.id)
  expect(all).not.toContain(token)
  expect(keys.join('\n')).not.toContain('ann')
  const ttlMs = await redis.pttl(keys.find((key) => key.includes(':s:')) ?? '')
  expect(ttlMs).toBeGreaterThan(24 * HOUR_MS - 60_000)
  expect(ttlMs).toBeLessThanOrEqual(24 * HOUR_MS)
})

test('sessions that are open are shown to Prometheus', async () => {
  const registry = new Registry()
  createSessionGauges(registry)({ active: 7, users: 3 })
  expect(await registry.metrics()).toMatch(/^bursar_sessions_active 7$/m)
})
