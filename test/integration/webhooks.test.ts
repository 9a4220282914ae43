import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { currentTiers } from '../../src/ledger/user-tiers.ts'
import { childEnv } from '../helpers/child-env.ts'
import { readHouse } from '../unit/house-cli-words.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'

const OLD = 'the-old-secret-of-thirty-two-characters'
const NEW = `whsec_${Buffer.from('the new secret, in base64, as senders like it').toString('base64')}`
const PATH = '/v1/webhooks/subscriptions'

let rig: GatewayRig
beforeAll(async () => {
  const env = { BURSAR_AUTH: 'required', BURSAR_WEBHOOK_SECRET: `${OLD},${NEW}` }
  rig = await startGatewayRig({ env, workers: false })
})
afterAll(() => rig.close())

const keyOf = (secret: string) =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret
const macOf = (text: string, secret = OLD) =>
  `v1,${createHmac('sha256', keyOf(secret)).update(text).digest('base64')}`
const nowS = () => Math.floor(Date.now() / 1_000)

interface Sent {
  readonly event: { readonly id: string; readonly [field: string]: unknown }
  readonly sentS?: number
  readonly secret?: string
  readonly signature?: string
  readonly id?: string
}
function send({ event, sentS = nowS(), secret, signature, id = event.id }: Sent) {
  const body = JSON.stringify(event)
  return rig.post(PATH, body, {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(sentS),
    'webhook-signature': signature ?? macOf(`${id}.${sentS}.${body}`, secret),
  })
}

const tierOf = async (user: string) => (await rig.newClient().quota({ user })).tier
const recorded = async (user: string) =>
  (await currentTiers(rig.runtime.ledger, null, 1_000)).filter((one) => one.user === user)

describe('what a subscription system signs', () => {
  it('gives a tier and takes it back, and is on record as its own', async () => {
    const until = '2030-01-01T00:00:00+02:00'
    const given = await send({
      event: { id: 'evt_a1', user: 'a', tier: 'premium', until },
    })
    expect(given).toMatchObject({
      status: 200,
      body: { user: 'a', tier: 'premium', until: '2029-12-31T22:00:00.000Z', inForce: true },
    })
    expect(await tierOf('a')).toBe('premium')
    expect(await recorded('a')).toMatchObject([{ setBy: 'webhook evt_a1', event: 'evt_a1' }])
    const taken = { id: 'evt_a2', user: 'a', tier: null }
    expect((await send({ event: taken })).status).toBe(200)
    expect(await tierOf('a')).toBe('basic')
  })

  it('counts once, however often and at the same time it comes', async () => {
    const event = { id: 'evt_b1', user: 'b', tier: 'premium' }
    const copies = await Promise.all([1, 2, 3, 4, 5].map(() => send({ event })))
    expect(copies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(new Set(copies.map(({ body }) => body.setAt)).size).toBe(1)
    await send({ event: { id: 'evt_b2', user: 'b', tier: 'basic' } })
    // An old copy that comes late changes nothing any more.
    expect((await send({ event, sentS: nowS() - 200 })).status).toBe(200)
    expect(await tierOf('b')).toBe('basic')
    const other = await send({ event: { ...event, user: 'c' } })
    expect([other.status, other.body.error.code]).toEqual([400, 'INVALID_ARGUMENT'])
  })

  it('may say of a subscription that it is over', async () => {
    const event = { id: 'evt_d', user: 'd', tier: 'premium', until: '2020-01-01T00:00:00Z' }
    expect((await send({ event })).body).toMatchObject({ inForce: false })
    expect(await tierOf('d')).toBe('basic')
  })

  it('may be signed with either secret while one replaces the other, and several times', async () => {
    const event = { id: 'evt_e', user: 'e', tier: 'premium' }
    expect((await send({ event, secret: NEW })).status).toBe(200)
    const sentS = nowS()
    const both = `v1a,xx v1,${'A'.repeat(43)}= ${macOf(`evt_e.${sentS}.${JSON.stringify(event)}`)}`
    expect((await send({ event, sentS, signature: both })).status).toBe(200)
  })
})

describe('what nobody signed', () => {
  const event = { id: 'evt_f', user: 'f', tier: 'premium' }
  const body = JSON.stringify(event)
  it.each([
    ['by another secret', { secret: 'x'.repeat(40) }],
    ['by nobody', { signature: '' }],
    ['over another body', { signature: macOf(`evt_f.${nowS()}.${body} `) }],
    ['over another id', { signature: macOf(`evt_g.${nowS()}.${body}`) }],
    ['too long ago', { sentS: nowS() - 301 }],
    ['in the future', { sentS: nowS() + 900 }],
    ['at no time', { sentS: Number.NaN }],
  ])('signed %s is refused', async (_, how) => {
    const refused = await send({ event, ...how })
    expect([refused.status, refused.body.error.code]).toEqual([401, 'INVALID_SIGNATURE'])
    expect(await recorded('f')).toEqual([])
  })

  it('a mistake in it is told, and nothing of it kept', async () => {
    const told = async (one: object, id = 'evt_h') =>
      (await send({ event: { id: 'evt_h', user: 'h', ...one }, id })).body.error.code
    expect(await told({ tier: 'gold' })).toBe('UNKNOWN_TIER')
    expect(await told({})).toBe('INVALID_REQUEST')
    expect(await told({ tier: null, until: 'tomorrow' })).toBe('INVALID_REQUEST')
    expect(await told({ tier: null }, 'evt_i')).toBe('INVALID_REQUEST')
    expect(await recorded('h')).toEqual([])
  })
})

it('the lines of docs/budgets.md work as they are', async () => {
  const page = readHouse('docs/budgets.md')
  const [, line = ''] = /```sh\n(body=[\s\S]*?)```/.exec(page) ?? []
  const env = {
    ...{ ...childEnv(), NO_PROXY: '*' },
    ...{ BURSAR_URL: rig.url, BURSAR_WEBHOOK_SECRET: OLD },
  }
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', line], { env })
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ user: 'u42', tenant: 'acme', tier: 'premium', inForce: true },
    setBy: 'webhook evt_1',
  })
})

it('without a secret there is no such route, and it says why', async () => {
  const bare = await startGatewayRig({ workers: false })
  const asked = await bare.post(PATH, { id: 'evt_z', user: 'z', tier: 'premium' })
  await bare.close()
  expect([asked.status, asked.body.error.code]).toEqual([404, 'UNKNOWN_ROUTE'])
  expect(asked.body.error.message).toMatch(/BURSAR_WEBHOOK_SECRET/)
})
