import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keysCreate, keysRevoke } from '../../src/admin/keys.ts'
import { type Gateway, startGateway } from '../../src/gateway/server.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { createKeys, type Keys } from './gateway-key-ring.ts'
import { type Rig, startRig } from './queue-rig.ts'

let rig: Rig
let keys: Keys
let folder: string
let socketPath: string
const gateways: Record<string, Gateway> = {}
const lines: string[] = []
const logger = createLogger({
  level: 'trace',
  name: 'rig',
  destination: { write: (line) => void lines.push(line) },
})

/** One gateway for each way to listen, over one runtime. */
const WAYS = {
  'auto, loopback': { mode: 'auto', host: '127.0.0.1' },
  'auto, for all': { mode: 'auto', host: '0.0.0.0' },
  'required, loopback': { mode: 'required', host: '127.0.0.1' },
  'off, for all': { mode: 'off', host: '0.0.0.0' },
  'off, loopback': { mode: 'off', host: '127.0.0.1' },
} as const
type Way = keyof typeof WAYS

beforeAll(async () => {
  rig = await startRig({ workers: false, overrides: { logger } })
  keys = createKeys(rig.runtime)
  folder = await mkdtemp(join(tmpdir(), 'bursar-auth-'))
  socketPath = join(folder, 'bursar.sock')
  for (const [way, { mode, host }] of Object.entries(WAYS)) {
    const runtime = {
      ...rig.runtime,
      options: { ...rig.runtime.options, BURSAR_AUTH: mode },
    }
    const client = clientOf(rig.runtime)
    const socket = way === 'required, loopback' ? { socketPath } : {}
    gateways[way] = await startGateway({ runtime, client, host, port: 0, ...socket })
  }
})
afterAll(async () => {
  for (const gateway of Object.values(gateways)) await gateway.close()
  await rig.close()
  await rm(folder, { recursive: true })
})

interface Answer {
  readonly status: number
  readonly authenticate: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at any JSON
  readonly body: any
}

interface Question {
  readonly way?: Way
  readonly key?: string
  readonly host?: string
}

/** Asks by Node's own client, which may name any host; without a way, through the socket. */
function ask(
  path: string,
  { way, key, host }: Question,
  method = path.startsWith('/v1/admin') ? 'POST' : 'GET',
): Promise<Answer> {
  const at = way === undefined ? { socketPath } : { host: '127.0.0.1', port: portOf(way) }
  const headers = {
    host: host ?? 'localhost',
    ...(method === 'POST' && { 'content-type': 'application/json' }),
    ...(key !== undefined && { authorization: key.includes(' ') ? key : `Bearer ${key}` }),
  }
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ ...at, path, method, headers, agent: false }, async (reply) => {
      let text = ''
      for await (const chunk of reply) text += chunk
      const body = text.startsWith('{') ? JSON.parse(text) : text
      const authenticate = reply.headers['www-authenticate']
      resolve({ status: reply.statusCode ?? 0, authenticate, body })
    })
    asked.once('error', reject).end(method === 'POST' ? '{}' : undefined)
  })
}

const portOf = (way: Way): string => new URL(gateways[way]?.url ?? '').port
const [QUOTA, PARKED, METRICS] = ['/v1/quota?user=u1', '/v1/admin/parked', '/metrics']

describe('without a key', () => {
  it.for<[Way, Record<string, number>]>([
    ['auto, loopback', { [QUOTA]: 200, [METRICS]: 200, [PARKED]: 200, '/v9': 404 }],
    ['auto, for all', { [QUOTA]: 401, [METRICS]: 401, [PARKED]: 401, '/v9': 401 }],
    ['required, loopback', { [QUOTA]: 401, [METRICS]: 401, [PARKED]: 401, '/v9': 401 }],
    ['off, for all', { [QUOTA]: 200, [METRICS]: 200, [PARKED]: 401, '/v9': 404 }],
    ['off, loopback', { [QUOTA]: 200, [METRICS]: 200, [PARKED]: 200, '/v9': 404 }],
  ])('%s', async ([way, expected]) => {
    for (const [path, status] of Object.entries(expected)) {
      expect([path, (await ask(path, { way })).status]).toEqual([path, status])
    }
    for (const path of ['/health', '/ready']) {
      expect((await ask(path, { way })).status).toBe(200)
      expect((await ask(path, { way, key: 'nonsense' })).status).toBe(200)
    }
  })

  it('through the socket, which its owner alone may open, nobody is asked', async () => {
    for (const path of [QUOTA, METRICS, PARKED]) expect((await ask(path, {})).status).toBe(200)
  })

  it('under a name that is not this machine, a loopback address lets nobody in', async () => {
    const way = 'auto, loopback'
    for (const host of ['localhost', 'LocalHost:80', '127.0.0.1:8080', '127.9.9.9', '[::1]:80']) {
      expect([host, (await ask(QUOTA, { way, host })).status]).toEqual([host, 200])
    }
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil', '10.0.0.1']) {
      expect([host, (await ask(QUOTA, { way, host })).status]).toEqual([host, 401])
      expect([host, (await ask(PARKED, { way: 'off, loopback', host })).status]).toEqual([
        host,
        401,
      ])
    }
  })
})

describe('a key that is given is checked, wherever it comes in', () => {
  const everywhere: Question[] = [...Object.keys(WAYS).map((way) => ({ way: way as Way })), {}]
  const reasons = async (path: string, key: string) =>
    new Set(
      await Promise.all(
        everywhere.map(async (at) => {
          const { status, body, authenticate } = await ask(path, { ...at, key })
          return `${status} ${body.error?.code} ${body.error?.detail.reason} ${authenticate}`
        }),
      ),
    )

  it('and refused with what is wrong with it', async () => {
    const good = await keys.make({ tenant: 'acme' })
    const unknown = 'sk-bursar-000000000000_'
    expect(await reasons(QUOTA, `${good.text}x`)).toEqual(
      new Set(['401 INVALID_API_KEY mistyped Bearer']),
    )
    expect(await reasons(QUOTA, unknown)).toEqual(new Set(['401 INVALID_API_KEY mistyped Bearer']))
    const other = await keys.make({ tenant: 'acme' })
    await keys.forget(other.id)
    expect(await reasons(QUOTA, other.text)).toEqual(
      new Set(['401 INVALID_API_KEY unknown Bearer']),
    )
    const expired = await keys.make({ tenant: 'acme', expiresInMs: 1 })
    const revoked = await keys.make({ tenant: 'acme' })
    await keys.run(keysRevoke, { id: revoked.id })
    expect(await reasons(QUOTA, expired.text)).toEqual(
      new Set(['401 INVALID_API_KEY expired Bearer']),
    )
    expect(await reasons(QUOTA, revoked.text)).toEqual(
      new Set(['401 INVALID_API_KEY revoked Bearer']),
    )
    expect((await ask(QUOTA, { way: 'auto, for all', key: good.text })).status).toBe(200)
    expect((await ask(QUOTA, { way: 'auto, for all', key: `bearer ${good.text}` })).status).toBe(
      200,
    )
  })

  it('but tokens of what stands in front are nothing to a gateway that asks nobody', async () => {
    for (const key of ['Basic dTpw', 'Bearer eyJhbGciOi', 'sk-proj-abc']) {
      expect((await ask(QUOTA, { way: 'off, for all', key })).status).toBe(200)
      const refused = await ask(QUOTA, { way: 'auto, loopback', key })
      expect(refused).toMatchObject({
        status: 401,
        body: { error: { detail: { reason: 'other' } } },
      })
    }
  })

  it('and an OpenAI SDK knows what happened, and does not try again', async () => {
    const openai = new OpenAI({
      baseURL: `http://127.0.0.1:${portOf('auto, for all')}/v1`,
      apiKey: 'sk-nobody',
      maxRetries: 3,
    })
    const before = lines.length
    await expect(openai.models.list()).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
      type: 'invalid_request_error',
    })
    await expect(openai.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    expect(lines.slice(before).filter((line) => line.includes('"answered"'))).toHaveLength(2)
  })
})

describe('what a role may', () => {
  it.for([
    ['app', { [QUOTA]: 200, [METRICS]: 403, [PARKED]: 403, '/v1/admin/keys-list': 403 }],
    ['viewer', { [QUOTA]: 403, [METRICS]: 200, [PARKED]: 200, '/v1/admin/keys-list': 403 }],
    ['finance', { [QUOTA]: 403, [METRICS]: 200, [PARKED]: 200, '/v1/admin/keys-list': 403 }],
    ['admin', { [QUOTA]: 403, [METRICS]: 200, [PARKED]: 200, '/v1/admin/keys-list': 200 }],
  ] as const)('%s', async ([role, expected]) => {
    const { text: key } = await keys.make(role === 'app' ? { role, tenant: 'acme' } : { role })
    for (const [path, status] of Object.entries(expected)) {
      for (const way of ['auto, loopback', 'auto, for all', 'off, for all'] as const) {
        const asked = await ask(path, { way, key })
        expect([path, asked.status]).toEqual([path, status])
        if (status === 403) {
          expect(asked.body.error).toMatchObject({
            code: 'ACCESS_DENIED',
            detail: { field: 'role' },
          })
        }
      }
    }
    const nowhere = await ask('/v9', { way: 'auto, for all', key })
    expect(nowhere).toMatchObject({ status: 404, body: { error: { code: 'UNKNOWN_ROUTE' } } })
    // The owner of the socket is an operator, whatever key the shell has.
    expect((await ask('/v1/admin/keys-list', { key })).status).toBe(200)
  })

  it('makes keys under its own name', async () => {
    const { id, text } = await keys.make({ role: 'admin' })
    const made = await ask('/v1/admin/keys-create', { way: 'auto, for all', key: text })
    expect(made).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST' } } })
    const asked = await fetch(`http://127.0.0.1:${portOf('auto, for all')}/v1/admin/keys-create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${text}` },
      body: JSON.stringify({ tenant: 'acme' }),
    })
    expect(keysCreate.output.parse(await asked.json()).key.createdBy).toBe(`key ${id}`)
  })
})

it('no secret, good or bad, was ever written to a log', () => {
  expect(lines.length).toBeGreaterThan(50)
  expect(keys.secrets.length).toBeGreaterThan(5)
  const log = lines.join('')
  for (const secret of keys.secrets) expect(log).not.toContain(secret.slice(23))
})
