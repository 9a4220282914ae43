import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { POLICY, until } from './queue-rig.ts'

/** One request an hour, and no money for it. */
const TIGHT = POLICY.replace(
  'basic:   { budget: { usd: "50", per: hour }, ladder: standard, on_exhausted: park }',
  'basic:   { requests: { limit: 1, per: hour }, budget: { usd: "0", per: hour }, ladder: standard, on_exhausted: refuse }',
)

let rig: GatewayRig
beforeAll(async () => {
  rig = await startGatewayRig()
})
afterAll(() => rig.close())

const request = (content: string, more: object = {}) => ({
  user: 'u42',
  model: 'auto',
  messages: [{ role: 'user', content }],
  ...more,
})

describe('handing jobs in', () => {
  it('answers 202 with where to ask, and the answer when one waits for it', async () => {
    const handed = await rig.post('/v1/jobs', request('Explain recursion'))
    expect(handed.status).toBe(202)
    const { id, status, url } = handed.body
    expect({ status, url }).toEqual({ status: 'queued', url: `/v1/jobs/${id}` })
    expect(handed.headers.get('location')).toBe(url)

    const answered = await rig.ask(`${url}?wait=30s`)
    expect(answered.status).toBe(200)
    expect(answered.body).toMatchObject({ id, status: 'ended', outcome: 'answered' })
    expect(answered.body.text).not.toBe('')
    expect(answered.body.receipt).toMatchObject({ jobId: id, attempts: 1, cache: 'miss' })
    expect(answered.body.response.object).toBe('chat.completion')

    expect((await rig.ask(url)).body).toEqual(answered.body)
  })

  it('answers at once when the caller waits, and from the cache the second time', async () => {
    const first = await rig.post('/v1/jobs?wait=60s', request('Wait for me'))
    expect(first.status).toBe(200)
    expect(first.body).toMatchObject({ status: 'ended', outcome: 'answered' })
    const second = await rig.post('/v1/jobs?wait=60s', request('Wait for me'))
    expect(second.body).toMatchObject({ outcome: 'cached', text: first.body.text })
    expect(second.body.receipt.costUsd).toBe('0.00')
  })

  it('the same job id twice is one job', async () => {
    const twice = request('Only once', { jobId: 'only-once' })
    const before = rig.sandbox.stats().billed
    const replies = await Promise.all([
      rig.post('/v1/jobs?wait=60s', twice),
      rig.post('/v1/jobs?wait=60s', twice),
    ])
    const [one, other] = replies.map(({ body }) => body)
    expect(one).toEqual(other)
    expect(rig.sandbox.stats().billed).toBe(before + 1)
    const again = await rig.post('/v1/jobs', twice)
    expect(again).toMatchObject({ status: 200, body: { id: 'only-once', status: 'ended' } })
  })
})

describe('a job under way', () => {
  const slow = (jobId: string) =>
    request('Take your time', { jobId, metadata: { sandbox_chunk_delay_ms: '20' } })

  it('is told by 202 while it waits, and can be cancelled', async () => {
    const parked = await startGatewayRig({ workers: false })
    try {
      const { body } = await parked.post('/v1/jobs?wait=1ms', request('Nobody works'))
      expect(body).toEqual({ id: body.id, status: 'queued', url: `/v1/jobs/${body.id}` })
      expect(await parked.ask(body.url)).toMatchObject({ status: 202, body })
      expect(await parked.ask(`${body.url}?wait=5ms`)).toMatchObject({ status: 202, body })

      const cancelled = await parked.ask(body.url, { method: 'DELETE' })
      expect(cancelled).toMatchObject({ status: 200, body: { id: body.id, status: 'cancelled' } })
      expect(await parked.ask(`${body.url}?wait=10s`)).toMatchObject({
        status: 409,
        body: { id: body.id, status: 'ended', outcome: 'cancelled', error: { code: 'CANCELLED' } },
      })
    } finally {
      await parked.close()
    }
  })

  it('that ended badly says how, and that asking again is no use', async () => {
    const asked = await rig.post('/v1/jobs?wait=60s', { ...request('x'), model: 'nope' })
    expect(asked).toMatchObject({
      status: 404,
      body: { status: 'ended', outcome: 'refused', error: { code: 'UNKNOWN_MODEL' } },
    })
    expect(await rig.ask(`/v1/jobs/${asked.body.id}`)).toMatchObject({
      status: 404,
      body: asked.body,
    })
  })

  it('streams to whoever reads events, and to whoever joins later by the same id', async () => {
    const body = JSON.stringify({ ...slow('to-be-joined'), stream: true })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${rig.url}/v1/jobs`, { method: 'POST', headers, body })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const joined = rig.post('/v1/jobs', body)
    const text = await response.text()
    const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, event, data]) => ({
      event,
      data: JSON.parse(data ?? ''),
    }))
    const parts = events.filter(({ event }) => event === 'part')
    expect(events[0]).toMatchObject({ event: 'job', data: { id: 'to-be-joined' } })
    expect(parts.length).toBeGreaterThan(1)
    const last = events.at(-1)
    expect(last).toMatchObject({ event: 'answer', data: { status: 'ended', outcome: 'answered' } })
    expect(parts.map(({ data }) => data.text).join('')).toBe(last?.data.text)
    expect((await joined).body).toContain(JSON.stringify(last?.data))
  })

  it('refuses a stream at the door with a status, as any other request', async () => {
    const asked = await rig.post('/v1/jobs', { model: 'auto', stream: true })
    expect(asked).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST' } } })
  })
})

describe('refusals', () => {
  it('a full limit says when to come back; a spent budget, not to', async () => {
    const tight = await startGatewayRig({ policy: TIGHT })
    try {
      const ask = () => tight.post('/v1/jobs?wait=60s', request('Hello', { cache: false }))
      const spent = await ask()
      expect(spent).toMatchObject({
        status: 429,
        body: {
          status: 'ended',
          outcome: 'refused',
          error: { code: 'BUDGET_EXHAUSTED', type: 'insufficient_quota', retryable: false },
        },
      })
      expect(spent.headers.get('x-should-retry')).toBe('false')
      const full = await ask()
      expect(full).toMatchObject({
        status: 429,
        body: { error: { code: 'RATE_LIMITED', type: 'rate_limit_error', retryable: true } },
      })
      expect(full.body).not.toHaveProperty('status')
      expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(full.headers.get('x-should-retry')).toBe('true')
    } finally {
      await tight.close()
    }
  })

  const json = { 'content-type': 'application/json' }
  it.for([
    ['malformed JSON', '{"user":', json, 400, 'INVALID_REQUEST', /not valid JSON/],
    ['nothing', '', json, 400, 'INVALID_REQUEST', /empty/],
    ['a list', '[]', json, 400, 'INVALID_REQUEST', /send an object/],
    ['half UTF-8', new Uint8Array([0x22, 0xc3, 0x22]), json, 400, 'INVALID_REQUEST', /UTF-8/],
    ['another type', 'x', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE', /json/],
    ['a wrong stream flag', '{"stream":1}', json, 400, 'INVALID_REQUEST', /true or false/],
    ['a wrong length', 'x'.repeat(3e6), json, 413, 'REQUEST_TOO_LARGE', /max_body_bytes/],
    [
      'a large body',
      JSON.stringify(request('x'.repeat(1.5e6))),
      json,
      413,
      'REQUEST_TOO_LARGE',
      /by/,
    ],
  ] as const)('%s', async ([, body, headers, status, code, message]) => {
    const asked = await rig.post('/v1/jobs', body, headers)
    expect(asked).toMatchObject({ status, body: { error: { code } } })
    expect(asked.body.error.message).toMatch(message)
  })

  it.for([
    ['/v1/jobs/nobody-handed-in', 404, 'UNKNOWN_JOB'],
    ['/v1/jobs/bad%20id', 400, 'INVALID_REQUEST'],
    ['/v1/jobs/%zz', 400, 'INVALID_REQUEST'],
    [`/v1/jobs/${'x'.repeat(65)}`, 400, 'INVALID_REQUEST'],
    [`/v1/jobs/${'x'.repeat(500)}`, 400, 'INVALID_REQUEST'],
    ['/v1/jobs/some-job?wait=soon', 400, 'INVALID_REQUEST'],
    ['/v1/jobs/some-job?wait=11m', 400, 'INVALID_REQUEST'],
    ['/v1/jobs/some-job?await=1s', 400, 'INVALID_REQUEST'],
    ['/v1/quota', 400, 'INVALID_REQUEST'],
    ['/v1/quota?user=u&tag=feature', 400, 'INVALID_REQUEST'],
    ['/v1/quota?user=u&tier=gold', 400, 'UNKNOWN_TIER'],
    ['/v2/jobs', 404, 'UNKNOWN_ROUTE'],
  ] as const)('GET %s is %i %s', async ([path, status, code]) => {
    expect(await rig.ask(path)).toMatchObject({ status, body: { error: { code } } })
  })

  it('an unknown route names those that there are', async () => {
    const { body } = await rig.ask('/v1/jobs', { method: 'PUT' })
    expect(body.error).toMatchObject({ code: 'UNKNOWN_ROUTE' })
    // That none is missing is held by the walls.
    const some = ['GET /health', 'POST /v1/jobs', 'GET /v1/jobs/:id', 'POST /v1/admin/report']
    expect(body.error.detail.routes).toEqual(expect.arrayContaining(some))
  })

  it('a result that is no longer kept is gone, not forgotten', async () => {
    const short = await startGatewayRig({ env: { RESULT_TTL_MS: '1000' } })
    const { body } = await short.post('/v1/jobs?wait=60s', request('Keep me'))
    const ask = () => short.ask(`/v1/jobs/${body.id}`)
    await until(async () => (await ask()).status === 404)
    expect(await ask()).toMatchObject({ body: { error: { code: 'RESULT_EXPIRED' } } })
    await short.close()
  })

  it('what is no HTTP is told so', async () => {
    const { hostname, port } = new URL(rig.url)
    const socket = connect(Number(port), hostname)
    socket.end('HELLO\r\n\r\n')
    let answer = ''
    for await (const chunk of socket) answer += chunk
    expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*"INVALID_REQUEST"/)
  })
})

describe('request ids', () => {
  it.for([
    ['my-id.1', 'my-id.1'],
    ['no good', /^req_/],
  ] as const)('%s', async ([given, back]) => {
    const { headers } = await rig.ask('/health', { headers: { 'x-request-id': given } })
    expect(headers.get('x-request-id')).toMatch(back)
  })
})

describe('for whoever runs it', () => {
  it('is alive and ready, and counts what its process counts', async () => {
    expect(await rig.ask('/health')).toMatchObject({ status: 200, body: { alive: true } })
    const up = { state: 'up', ms: expect.any(Number) }
    expect(await rig.ask('/ready')).toMatchObject({
      status: 200,
      body: { ready: true, parts: { slot: up, queue: up, ledger: up } },
    })
    const metrics = await rig.ask('/metrics')
    expect(metrics.headers.get('content-type')).toContain('text/plain')
    expect(metrics.body).toContain('bursar_requests_total{outcome="answered",tier="basic"}')
  })
})
