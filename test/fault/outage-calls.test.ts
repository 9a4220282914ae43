import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGatewayRole } from '../../src/gateway/role.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'
import { POLICY, type Rig, startRig, until } from '../integration/queue-rig.ts'

/** A second, and what a machine that others use takes besides. */
const IN_TIME_MS = 1_700

const ask = (content: string, more: object = {}) => ({
  ...{ user: 'u42', model: 'auto', messages: [{ role: 'user' as const, content }] },
  ...more,
})

/** Redis takes connections and says nothing, the worst there is: nobody is told that it is away. */
describe('while Redis is frozen', () => {
  let redis: Server
  let rig: Rig
  let folder: string
  let url: string
  const closers: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    redis = await startRedis()
    folder = await mkdtemp(join(tmpdir(), 'bursar-outage-'))
    rig = await startRig({
      policy: POLICY.replace('budgets:', `${LIMITS}budgets:`),
      env: { REDIS_URL: redis.url, BURSAR_DATA: folder, BURSAR_PORT: '0' },
    })
    const gateway = await startGatewayRole(rig.runtime)
    url = gateway.url
    closers.push(() => gateway.close())
    await rig.client.run(ask('asked before'))
    await post(ask('asked before, too'), '?wait=10s')
    await rig.client.run(ask('nobody else gets this', { cache: false }))
    await redis.pause()
  })
  afterAll(async () => {
    await redis.resume()
    for (const close of closers) await close()
    await rig.close()
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const post = (body: object, query = '') =>
    fetch(`${url}/v1/jobs${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  async function inTime<T>(work: () => Promise<T>): Promise<T> {
    const startedAtMs = performance.now()
    try {
      return await work()
    } finally {
      expect(performance.now() - startedAtMs).toBeLessThan(IN_TIME_MS)
    }
  }

  test.each([
    ['run', () => rig.client.run(ask('new'))],
    ['stream', () => rig.client.stream(ask('new')).final],
    ['enqueue', () => rig.client.enqueue(ask('new'))],
    ['result', () => rig.client.result('some-job')],
    ['cancel', () => rig.client.cancel('some-job')],
    ['quota', () => rig.client.quota({ user: 'u42' })],
    ['quote', () => rig.client.quote(ask('new'))],
    ['run of a client that never met Redis', () => rig.newClient().run(ask('new'))],
  ])('a client is refused in time: %s', async (_name, call) => {
    const refused = expect(inTime<unknown>(call)).rejects
    await refused.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
  })

  test.each([
    ['POST /v1/jobs', () => post(ask('new'))],
    ['POST /v1/jobs?wait', () => post(ask('new'), '?wait=1m')],
    ['POST /v1/jobs, streamed', () => post(ask('new', { stream: true }))],
    ['GET /v1/jobs/:id', () => fetch(`${url}/v1/jobs/some-job`)],
    ['DELETE /v1/jobs/:id', () => fetch(`${url}/v1/jobs/some-job`, { method: 'DELETE' })],
    ['GET /v1/quota', () => fetch(`${url}/v1/quota?user=u42`)],
  ])('the gateway refuses in time, and says when to come back: %s', async (_name, call) => {
    const response = await inTime(call)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(response.headers.get('x-should-retry')).toBe('true')
    expect(await response.json()).toMatchObject({ error: { code: 'STORE_UNAVAILABLE' } })
  })

  test('it is not ready, degraded, and alive', async () => {
    await until(async () => rig.runtime.guard?.openSinceMs !== null)
    expect((await inTime(() => fetch(`${url}/ready`))).status).toBe(503)
    const health = await fetch(`${url}/health`)
    expect(health.status).toBe(200)
    expect(await health.json()).toMatchObject({ alive: true, status: 'degraded' })
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^bursar_redis_away 1$/m)
  })

  test('what was answered before is served again, by whoever answered it, unless it was not to be kept', async () => {
    const { receipt } = await inTime(() => rig.client.run(ask('asked before')))
    expect(receipt).toMatchObject({ degraded: true, cache: 'hit', costNano: 0 })
    expect(receipt.why).toContain('Redis is away')
    const response = await post(ask('asked before, too'), '?wait=10s')
    expect(await response.json()).toMatchObject({ outcome: 'cached', receipt: { degraded: true } })
    for (const request of [
      ask('nobody else gets this'),
      ask('asked before', { cache: false }),
      ask('asked before', { tenant: 'another' }),
    ]) {
      await expect(rig.client.run(request)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    }
  })

  test('request limits are counted by each process alone', async () => {
    const again = () => post(ask('asked before, too', { user: 'eager' }), '?wait=10s')
    expect((await again()).status).toBe(200)
    expect((await again()).status).toBe(200)
    const third = await again()
    expect(third.status).toBe(429)
    expect(await third.json()).toMatchObject({ error: { code: 'RATE_LIMITED' } })
  })
})

const LIMITS = `limits:
  - { id: eager, scope: { user: eager }, algorithm: fixed-window, requests: 2, per: day }
`
