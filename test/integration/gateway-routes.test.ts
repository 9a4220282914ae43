import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'

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
