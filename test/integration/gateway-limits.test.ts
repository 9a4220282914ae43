import { once } from 'node:events'
import { get as httpGet } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { createHttpClient } from '../../src/client/http/index.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { POLICY } from './queue-rig.ts'

const LIMITED = POLICY.replace(
  'ladders:',
  'limits:\n  - { id: make, scope: user, resource: generation, requests: 2, per: hour }\nladders:',
)

let rig: GatewayRig
afterEach(() => rig.close())

const request = (content: string, more: object = {}) => ({
  user: 'u42',
  model: 'auto',
  resource: 'generation',
  messages: [{ role: 'user', content }],
  ...more,
})

it('every way to hand a job in tells how the limits stand, and so does the refusal', async () => {
  rig = await startGatewayRig({ policy: LIMITED })
  const nowS = Date.now() / 1_000
  const handed = await rig.post('/v1/jobs', request('one'))
  expect(handed.status).toBe(202)
  expect(handed.headers.get('ratelimit-policy')).toBe('"make";q=2;w=3600')
  expect(handed.headers.get('ratelimit')).toMatch(/^"make";r=1;t=3[67]\d\d$/)
  expect(handed.headers.get('x-ratelimit-limit')).toBe('2')
  expect(handed.headers.get('x-ratelimit-remaining')).toBe('1')
  expect(Number(handed.headers.get('x-ratelimit-reset'))).toBeGreaterThan(nowS + 3_500)

  const streamed = await rig.post('/v1/jobs', request('two', { stream: true }))
  expect(streamed.status).toBe(200)
  expect(streamed.headers.get('x-ratelimit-remaining')).toBe('0')

  const refused = await rig.post('/v1/jobs?wait=30s', request('three'))
  expect(refused.status).toBe(429)
  expect(refused.body.error).toMatchObject({
    code: 'RATE_LIMITED',
    detail: {
      of: 2,
      remaining: 0,
      says: expect.stringMatching(/^No generations left this hour\./),
    },
  })
  expect(refused.headers.get('x-ratelimit-remaining')).toBe('0')
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500)

  const free = await rig.post('/v1/jobs?wait=30s', request('four', { resource: undefined }))
  expect(free.status).toBe(200)
  expect(free.headers.get('ratelimit')).toBeNull()

  const { body } = await rig.ask('/v1/quota?user=u42&resource=generation')
  expect(body.limits).toMatchObject([{ limit: 'make/default/u42', remaining: 0, of: 2 }])
})

const BY_ADDRESS = POLICY.replace(
  'ladders:',
  'limits:\n  - { id: doors, scope: ip, requests: 2, per: hour }\nladders:',
)
const from = (address: string) => ({
  'content-type': 'application/json',
  'x-forwarded-for': address,
})
const leftOf = (handed: { headers: Headers }) => handed.headers.get('x-ratelimit-remaining')

it('a limit by address counts each caller that a trusted proxy names, and each IPv6 network as one', async () => {
  const env = { BURSAR_TRUST_PROXY: 'loopback', BURSAR_AUTH: 'off' }
  rig = await startGatewayRig({ policy: BY_ADDRESS, env })
  const asked = (address: string) => rig.post('/v1/jobs', request('who'), from(address))
  expect(leftOf(await asked('203.0.113.7'))).toBe('1')
  // What a caller writes before its proxy does is not believed.
  expect(leftOf(await asked('198.51.100.1, 203.0.113.7'))).toBe('0')
  const refused = await asked('203.0.113.7')
  expect([refused.status, refused.body.error.detail.limit]).toEqual([429, 'doors/203.0.113.7'])
  expect(leftOf(await asked('2001:db8::1'))).toBe('1')
  expect(leftOf(await asked('2001:db8::ffff:1'))).toBe('0')
  expect(leftOf(await asked('2001:db8:0:1::1'))).toBe('1')
  const { body } = await rig.ask('/v1/quota?user=u42&ip=203.0.113.7')
  expect(body.limits).toMatchObject([{ limit: 'doors/203.0.113.7', remaining: 0 }])
})

it('nobody who comes through a trusted proxy is taken for somebody on this machine', async () => {
  rig = await startGatewayRig({ policy: BY_ADDRESS, env: { BURSAR_TRUST_PROXY: 'loopback' } })
  const through = { ...from('203.0.113.7'), 'x-forwarded-host': 'localhost' }
  expect((await rig.post('/v1/admin/parked', {}, through)).status).toBe(401)
  expect((await rig.post('/v1/jobs', request('who'), through)).status).toBe(401)
  expect((await rig.post('/v1/admin/parked', {})).status).toBe(200)
  // A web page whose name leads here may write any header but this one.
  const rebound = { host: 'evil.example', 'x-forwarded-host': 'localhost' }
  const asked = httpGet(`${rig.url}/v1/quota?user=u42`, { headers: rebound, agent: false })
  const [reply] = await once(asked, 'response')
  reply.resume()
  expect(reply.statusCode).toBe(401)
})

it('without a trusted proxy the connection says who it is, and a program may name whom it asks for', async () => {
  rig = await startGatewayRig({ policy: BY_ADDRESS })
  const asked = (more: object) => rig.post('/v1/jobs', request('who', more), from('203.0.113.7'))
  expect(leftOf(await asked({}))).toBe('1')
  expect(leftOf(await asked({ ip: '127.0.0.1' }))).toBe('0')
  expect(leftOf(await asked({ ip: '::ffff:198.51.100.9' }))).toBe('1')
  const wrong = await asked({ ip: 'nonsense' })
  expect([wrong.status, wrong.body.error.code]).toEqual([400, 'INVALID_REQUEST'])
})

it('a job without an address is served, and the limit that skips it is counted', async () => {
  rig = await startGatewayRig({ policy: BY_ADDRESS })
  for (const user of ['a', 'b', 'c']) {
    await rig.client.run({ user, model: 'auto', messages: [{ role: 'user', content: user }] })
  }
  const { body } = await rig.ask('/metrics')
  expect(body).toContain('bursar_limits_skipped_total{limit="doors"} 3')
})

it('the HTTP client passes on what the gateway tells: in receipts, and in errors when to come back', async () => {
  rig = await startGatewayRig({ policy: LIMITED })
  const client = createHttpClient({ url: rig.url })
  const asked = (content: string, more: object = {}) => ({
    ...{ user: 'u42', model: 'auto', resource: 'generation' },
    ...{ messages: [{ role: 'user' as const, content }], ...more },
  })
  const { receipt } = await client.run(asked('one'))
  expect(receipt.rateLimit).toEqual({ limit: 2, remaining: 1, resetsAt: expect.any(String) })
  expect(Date.parse(receipt.rateLimit?.resetsAt ?? '')).toBeGreaterThan(Date.now() + 3_500_000)
  const { receipt: streamed } = await client.stream(asked('two')).final
  expect(streamed.rateLimit).toMatchObject({ limit: 2, remaining: 0 })
  const refused = { code: 'RATE_LIMITED', detail: { limit: 'make/default/u42', remaining: 0 } }
  for (const more of [() => client.run(asked('three')), () => client.enqueue(asked('four'))]) {
    const error: unknown = await more().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject(refused)
    expect(error).toMatchObject({
      detail: { rateLimit: { limit: 2, remaining: 0 }, retryAfterMs: expect.any(Number) },
    })
  }
  const free = await client.run(asked('five', { resource: 'other' }))
  expect(free.receipt).not.toHaveProperty('rateLimit')
  await client.close()
})
