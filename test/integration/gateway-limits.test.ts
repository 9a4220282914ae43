import { afterEach, expect, it } from 'vitest'
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
