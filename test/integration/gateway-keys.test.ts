import { Job } from 'bullmq'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keysRevoke, keysRotate } from '../../src/admin/keys.ts'
import { createClient } from '../../src/client/index.ts'
import { startGateway } from '../../src/gateway/server.ts'
import { getRequest } from '../../src/ledger/queries/get-request.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { createKeys, type Keys } from './gateway-key-ring.ts'
import { type Asked, type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { isEmbedded } from './queue-rig.ts'

let rig: GatewayRig
let keys: Keys
beforeAll(async () => {
  rig = await startGatewayRig({ env: { BURSAR_AUTH: 'required' } })
  keys = createKeys(rig.runtime)
})
afterAll(() => rig.close())

const as = (key: string) => ({
  'content-type': 'application/json',
  authorization: `Bearer ${key}`,
})
const post = (key: string, path: string, body: object) => rig.post(path, body, as(key))
const get = (key: string, path: string, method = 'GET'): Promise<Asked> =>
  rig.ask(path, { method, headers: { authorization: `Bearer ${key}` } })

const request = (content: string, more: object = {}) => ({
  model: 'auto',
  messages: [{ role: 'user' as const, content }],
  ...more,
})

describe('the scope of a key', () => {
  it('pays: tenant, user and tier of the key stand on the row, though nobody sent them', async () => {
    const { text } = await keys.make({ tenant: 'acme', user: 'u7', tier: 'premium' })
    const asked = await post(text, '/v1/jobs?wait=60s', request('Who pays?'))
    expect(asked).toMatchObject({ status: 200, body: { outcome: 'answered' } })
    await rig.drain()
    const row = await getRequest(rig.runtime.ledger, asked.body.id)
    expect(row?.end).toMatchObject({ tenant: 'acme', userId: 'u7', tier: 'premium' })
    const quota = await get(text, '/v1/quota')
    expect(quota).toMatchObject({ status: 200, body: { tier: 'premium' } })
  })

  it('of one user comes from where its request does, and one for others may say where they are', async () => {
    const personal = await keys.make({ tenant: 'acme', user: 'u7' })
    const ip = '203.0.113.7'
    const refused = { status: 403, body: { error: { detail: { field: 'ip' } } } }
    expect(await post(personal.text, '/v1/jobs', request('From there', { ip }))).toMatchObject(
      refused,
    )
    expect(await get(personal.text, `/v1/quota?ip=${ip}`)).toMatchObject(refused)
    expect(await get(personal.text, '/v1/quota?ip=127.0.0.1')).toMatchObject({ status: 200 })
    const backend = await keys.make({ tenant: 'acme' })
    expect(await get(backend.text, `/v1/quota?user=u8&ip=${ip}`)).toMatchObject({ status: 200 })
  })

  it('leaves open what it does not say', async () => {
    const { text } = await keys.make({ tenant: 'acme' })
    const body = request('Open', { user: 'u8', tier: 'premium', tenant: 'acme' })
    const asked = await post(text, '/v1/jobs?wait=60s', body)
    await rig.drain()
    const row = await getRequest(rig.runtime.ledger, asked.body.id)
    expect(row?.end).toMatchObject({ tenant: 'acme', userId: 'u8', tier: 'premium' })
    expect(await post(text, '/v1/jobs', request('Nobody'))).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_REQUEST' } },
    })
  })

  it('names budgets of the policy that it can promise, and no others', async () => {
    const scope = { tenant: 'acme', user: 'u7', budgets: ['company'] }
    const { text } = await keys.make(scope)
    expect(await post(text, '/v1/jobs?wait=60s', request('Counted'))).toMatchObject({ status: 200 })
    expect(await get(text, '/v1/quota')).toMatchObject({ status: 200 })
    await expect(keys.make({ ...scope, budgets: ['nowhere'] })).rejects.toMatchObject({
      ...{ code: 'UNKNOWN_BUDGET', detail: { known: ['company'] } },
    })
  })

  it.for([
    ['tenant', { tenant: 'globex' }],
    ['tenant', { tenant: null }],
    ['user', { user: 'u9' }],
    ['tier', { tier: 'premium' }],
  ] as const)('refuses another %s everywhere: %o', async ([field, more]) => {
    const { text } = await keys.make({ tenant: 'acme', user: 'u7', tier: 'basic' })
    const refused = { status: 403, body: { error: { code: 'ACCESS_DENIED', detail: { field } } } }
    const before = rig.sandbox.stats().billed
    const body = request('Not mine', { user: 'u7', ...more })
    expect(await post(text, '/v1/jobs?wait=60s', body)).toMatchObject(refused)
    expect(await post(text, '/v1/jobs', { ...body, stream: true })).toMatchObject(refused)
    expect(await post(text, '/v1/quote', body)).toMatchObject(refused)
    const [[name, value = 'null'] = []] = Object.entries(more)
    expect(await get(text, `/v1/quota?${name}=${value}`)).toMatchObject(refused)
    expect(rig.sandbox.stats().billed).toBe(before)
  })

  it('a name given twice is another', async () => {
    const { text } = await keys.make({ tenant: 'acme', user: 'u7' })
    expect(await get(text, '/v1/quota?tenant=acme&tenant=globex')).toMatchObject({ status: 403 })
  })

  it('only models of its list answer', async () => {
    const { text } = await keys.make({ tenant: 'acme', user: 'u7', models: ['gpt-6-sol'] })
    const ask = (more: object) => post(text, '/v1/jobs?wait=60s', request('Which?', more))
    const refused = {
      status: 403,
      body: {
        error: { code: 'ACCESS_DENIED', detail: { field: 'model', allowed: ['gpt-6-sol'] } },
      },
    }
    expect(await ask({})).toMatchObject(refused)
    expect(await ask({ model: 'gpt-6-astra' })).toMatchObject(refused)
    const mayStepDown = await ask({ model: 'gpt-6-sol' })
    expect(mayStepDown).toMatchObject(refused)
    expect(mayStepDown.body.error.message).toMatch(/gpt-6-luna.*pinned: true/)
    const served = await ask({ model: 'gpt-6-sol', pinned: true })
    expect(served).toMatchObject({ status: 200, body: { receipt: { modelServed: /sol/ } } })
  })
})

describe('jobs of others', () => {
  const unknown = { status: 404, body: { error: { code: 'UNKNOWN_JOB' } } }
  const taken = { status: 400, body: { error: { code: 'INVALID_REQUEST' } } }
  let acme: string
  let globex: string
  let colleague: string
  beforeAll(async () => {
    acme = (await keys.make({ tenant: 'acme', user: 'u1' })).text
    globex = (await keys.make({ tenant: 'globex', user: 'u1' })).text
    colleague = (await keys.make({ tenant: 'acme', user: 'u2' })).text
  })

  async function unseen(id: string, secret: string): Promise<void> {
    for (const key of [globex, colleague]) {
      const tries = [
        await get(key, `/v1/jobs/${id}`),
        await get(key, `/v1/jobs/${id}?wait=1s`),
        await get(key, `/v1/jobs/${id}`, 'DELETE'),
      ]
      for (const asked of tries) expect(asked).toMatchObject(unknown)
      const body = request('Mine now', { jobId: id, cache: false })
      const joins = [
        await post(key, '/v1/jobs', body),
        await post(key, '/v1/jobs?wait=30s', body),
        await post(key, '/v1/jobs?wait=30s', { ...body, stream: true }),
      ]
      for (const asked of joins) expect(asked).toMatchObject(taken)
      const told = JSON.stringify([...tries, ...joins].map(({ body }) => body))
      expect(told).not.toContain(secret)
      expect(told).not.toContain('outcome')
    }
  }

  it('are not seen, joined or cancelled while they run, after they ended, and when the queue forgot', async () => {
    const id = 'lesson-17'
    const body = request('A long one', {
      jobId: id,
      metadata: { sandbox_chunk_delay_ms: '20' },
    })
    const handed = await post(acme, '/v1/jobs', body)
    expect(handed).toMatchObject({ status: 202, body: { id } })
    const before = await get(globex, `/v1/jobs/${id}`)
    expect(before).toMatchObject(unknown)
    const { body: answered } = await get(acme, `/v1/jobs/${id}?wait=60s`)
    expect(answered).toMatchObject({ status: 'ended', outcome: 'answered' })
    await unseen(id, answered.text)

    await rig.drain()
    await (await Job.fromId(rig.runtime.queues.interactive, id))?.remove()
    await unseen(id, answered.text)
    expect(await get(acme, `/v1/jobs/${id}`)).toMatchObject({ status: 200, body: answered })
    expect(await post(acme, '/v1/jobs?wait=30s', body)).toMatchObject({ body: answered })
  })

  it('one whose owner nobody can tell yet is told to nobody', async () => {
    const id = 'not-drained'
    const body = request('Soon', { jobId: id })
    const { body: answered } = await post(acme, '/v1/jobs?wait=60s', body)
    await (await Job.fromId(rig.runtime.queues.interactive, id))?.remove()
    const later = { status: 503, body: { error: { code: 'LEDGER_UNAVAILABLE', retryable: true } } }
    for (const key of [acme, globex]) {
      expect(await get(key, `/v1/jobs/${id}`)).toMatchObject(later)
      expect(await post(key, '/v1/jobs?wait=30s', body)).toMatchObject(later)
    }
    await rig.drain()
    expect(await get(acme, `/v1/jobs/${id}`)).toMatchObject({ status: 200, body: answered })
    expect(await get(globex, `/v1/jobs/${id}`)).toMatchObject(unknown)
  })

  it('an answer out of the own cache comes under a job id of the own', async () => {
    const first = await post(acme, '/v1/jobs?wait=60s', request('Once', { jobId: 'cached-one' }))
    const again = await post(acme, '/v1/jobs?wait=60s', request('Once', { jobId: 'cached-two' }))
    expect(again).toMatchObject({
      status: 200,
      body: { outcome: 'cached', text: first.body.text },
    })
  })
})

describe('a key in time', () => {
  const gone = { status: 401, body: { error: { code: 'INVALID_API_KEY' } } }

  it.skipIf(isEmbedded)(
    'revoked in one process, is refused by another within a second',
    async () => {
      const other = await rig.newRuntime({})
      const client = clientOf(other)
      const gateway = await startGateway({ runtime: other, client, port: 0 })
      try {
        const { id, text } = await keys.make({ tenant: 'acme', user: 'u1' })
        const ask = async () => {
          const headers = { authorization: `Bearer ${text}` }
          return (await fetch(`${gateway.url}/v1/quota`, { headers })).status
        }
        expect(await ask()).toBe(200)
        await keys.run(keysRevoke, { id })
        const revokedAtMs = performance.now()
        while ((await ask()) === 200) expect(performance.now() - revokedAtMs).toBeLessThan(1_000)
        expect(performance.now() - revokedAtMs).toBeLessThan(1_000)
        expect(await ask()).toBe(401)
      } finally {
        await gateway.close()
        await client.close()
      }
    },
  )

  it.skipIf(isEmbedded)(
    'lives on while the database is away, and others hear that nobody can say',
    async () => {
      const other = await rig.newRuntime({})
      const client = clientOf(other)
      const gateway = await startGateway({ runtime: other, client, port: 0 })
      try {
        const [seen, unseen] = [
          await keys.make({ tenant: 'acme' }),
          await keys.make({ tenant: 'acme' }),
        ]
        const ask = ({ text }: { text: string }) =>
          fetch(`${gateway.url}/v1/quota?user=u1`, { headers: { authorization: `Bearer ${text}` } })
        expect((await ask(seen)).status).toBe(200)
        const seenAtMs = performance.now()
        await other.ledger.close()
        const refused = await ask(unseen)
        expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
        expect(await refused.json()).toMatchObject({ error: { code: 'LEDGER_UNAVAILABLE' } })
        // Past the time that it is remembered without a look.
        while (performance.now() - seenAtMs < 600) expect((await ask(seen)).status).toBe(200)
      } finally {
        await gateway.close()
        await client.close()
      }
    },
  )

  it('rotated without grace, its former secret is refused within a second, the newer opens at once', async () => {
    const { id, text } = await keys.make({ tenant: 'acme', user: 'u1' })
    expect(await get(text, '/v1/quota')).toMatchObject({ status: 200 })
    const { apiKey } = await keys.run(keysRotate, { id, graceSeconds: 0 })
    const rotatedAtMs = performance.now()
    while ((await get(text, '/v1/quota')).status === 200) {
      expect(performance.now() - rotatedAtMs).toBeLessThan(1_000)
    }
    expect(await get(text, '/v1/quota')).toMatchObject(gone)
    expect(await get(apiKey, '/v1/quota')).toMatchObject({ status: 200 })
  })
})

it('the client shows its key, given or from the environment', async () => {
  const { text } = await keys.make({ tenant: 'acme', user: 'u1' })
  const who = { user: 'u1' }
  const given = createClient({ url: rig.url, apiKey: text })
  expect(
    (await given.run({ ...request('By the client'), user: 'u1' })).receipt.costNano,
  ).toBeGreaterThan(0)
  await given.close()
  const without = createClient({ url: rig.url })
  await expect(without.quota(who)).rejects.toMatchObject({ code: 'INVALID_API_KEY' })
  await without.close()
  process.env.BURSAR_API_KEY = text
  try {
    const read = createClient({ url: rig.url })
    expect((await read.quota(who)).tier).toBe('basic')
    await expect(read.quota({ user: 'u2' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    await read.close()
  } finally {
    delete process.env.BURSAR_API_KEY
  }
})
