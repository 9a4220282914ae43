import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { KEY_ROLES, type KeyRole, roleCovers } from '../../src/access/roles.ts'
import { ADMIN_COMMANDS } from '../../src/admin/commands.ts'
import { createKeys, type Keys } from './gateway-key-ring.ts'
import { type Asked, type GatewayRig, startGatewayRig } from './gateway-rig.ts'

const Operation = z.looseObject({
  operationId: z.string(),
  summary: z.string().min(10),
  'x-bursar-access': z.enum(['anybody', 'signature', ...KEY_ROLES]),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })).default([]),
  responses: z.record(z.string(), z.looseObject({ description: z.string() })),
})
const Document = z.looseObject({
  openapi: z.literal('3.1.1'),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
})

/** A job of acme, and what only it knows. */
const JOB = 'lesson-of-acme'
const SECRET = 'the-secret-of-acme'

/**
 * What nobody else may learn through a route of applications, and how they would try. `nothing`: what is asked is no
 * tenant's. A route without a row fails.
 */
type Row =
  | { readonly wall: 'nothing' }
  | { readonly wall: 'hidden'; readonly path: string }
  | { readonly wall: 'refused'; readonly path: string; readonly body?: object }

const MESSAGES = [{ role: 'user', content: `Tell ${SECRET}` }]
const request = { model: 'auto', user: 'u1', messages: MESSAGES }
const theirs = { ...request, tenant: 'acme' }
const inHeader = (path: string): Row => ({
  ...{ wall: 'refused', path },
  body: {
    model: 'auto',
    messages: MESSAGES,
    input: SECRET,
    __headers: { 'x-bursar-tenant': 'acme' },
  },
})

const ROWS: Readonly<Record<string, Row>> = {
  'POST /v1/jobs': { wall: 'refused', path: '/v1/jobs?wait=5s', body: { ...request, jobId: JOB } },
  'GET /v1/jobs/{id}': { wall: 'hidden', path: `/v1/jobs/${JOB}` },
  'DELETE /v1/jobs/{id}': { wall: 'hidden', path: `/v1/jobs/${JOB}` },
  'GET /v1/jobs/{id}/events': { wall: 'hidden', path: `/v1/jobs/${JOB}/events` },
  'GET /v1/quota': { wall: 'refused', path: '/v1/quota?user=u1&tenant=acme' },
  'POST /v1/quote': { wall: 'refused', path: '/v1/quote', body: theirs },
  'POST /v1/chat/completions': inHeader('/v1/chat/completions'),
  'POST /v1/responses': inHeader('/v1/responses'),
  'POST /v1/embeddings': inHeader('/v1/embeddings'),
  'GET /v1/models': { wall: 'nothing' },
  'GET /v1/models/{id}': { wall: 'nothing' },
}

let rig: GatewayRig
let keys: Keys
let operations: readonly {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly hasBody: boolean
  readonly access: z.infer<typeof Operation>['x-bursar-access']
}[]
let document: z.infer<typeof Document>
const secrets = new Map<string, string>()

beforeAll(async () => {
  const env = { BURSAR_AUTH: 'required', BURSAR_WEBHOOK_SECRET: 'x'.repeat(32) }
  rig = await startGatewayRig({ env })
  keys = createKeys(rig.runtime)
  for (const role of ['viewer', 'finance', 'admin'] as const) {
    secrets.set(role, (await keys.make({ role })).text)
  }
  secrets.set('app', (await keys.make({ tenant: 'acme' })).text)
  secrets.set('foreign', (await keys.make({ tenant: 'globex' })).text)
  document = Document.parse((await rig.ask('/openapi.json')).body)
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([small, operation]) => {
      const method = small.toUpperCase()
      const hasBody = 'requestBody' in operation
      const access = operation['x-bursar-access']
      return { name: `${method} ${path}`, method, path, hasBody, access }
    }),
  )
  const handed = await ask('app', 'POST', '/v1/jobs?wait=60s', { ...request, jobId: JOB })
  expect(handed).toMatchObject({ status: 200, body: { id: JOB, outcome: 'answered' } })
  await rig.drain()
})
afterAll(() => rig.close())

/** @param body - JSON, or a text that is none; `__headers` go out as headers. */
function ask(who: string, method: string, path: string, body?: object | string): Promise<Asked> {
  const secret = secrets.get(who)
  const { __headers = {}, ...json } = typeof body === 'object' ? { ...body } : {}
  const headers = {
    ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(__headers as Record<string, string>),
  }
  const text = typeof body === 'string' ? body : JSON.stringify(json)
  return rig.ask(path, { method, headers, ...(body !== undefined && { body: text }) })
}

/** A request that a route reads no further than its wall: its id is nobody's, its body no JSON. */
async function knock(who: string, { method, path, hasBody }: (typeof operations)[number]) {
  const secret = secrets.get(who)
  const response = await fetch(rig.url + path.replace(/\{\w+\}/g, 'nobody-has-it'), {
    method,
    headers: {
      ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
      ...(hasBody && { 'content-type': 'application/json' }),
    },
    ...(hasBody && { body: '{' }),
  })
  // Some of them never end; the others leave their connection to the next.
  const isEndless = response.headers.get('content-type')?.startsWith('text/event-stream')
  await (isEndless ? response.body?.cancel() : response.text())
  return response.status
}

describe('the document', () => {
  it('has every route that there is, and no other', async () => {
    const { body } = await ask('admin', 'GET', '/nowhere')
    const there = (body.error.detail.routes as string[]).map((route) =>
      route.replace(/:(\w+)/g, '{$1}'),
    )
    expect(operations.map(({ name }) => name).toSorted()).toEqual(there.toSorted())
  })

  it('says of every command what it does', () => {
    const silent = ADMIN_COMMANDS.filter(({ summary }) => summary.length < 10)
    expect(silent.map(({ name }) => name)).toEqual([])
  })

  it('is whole: ids are unique, references lead somewhere, paths name their parameters', () => {
    const all = Object.values(document.paths).flatMap((methods) => Object.values(methods))
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length)
    const text = JSON.stringify(document)
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to)
    expect(new Set(references)).toEqual(new Set(['#/components/schemas/Error']))
    for (const [path, methods] of Object.entries(document.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const { parameters } of Object.values(methods)) {
        const own = parameters.filter((one) => one.in === 'path').map(({ name }) => name)
        expect(own).toEqual(named)
      }
    }
  })

  it('is a page for people that loads nothing and runs nothing', async () => {
    const page = await rig.ask('/docs')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(page.body).not.toMatch(/<script|<link|src=|https?:\/\//i)
    for (const { path } of operations) expect(page.body).toContain(path)
  })
})

describe('the walls', () => {
  it('let each role come to its own routes, and nobody without a key to any', async () => {
    const wrong: string[] = []
    const roles = [...KEY_ROLES, 'nobody'] as const
    for (const operation of operations) {
      for (const who of roles) {
        const status = await knock(who, operation)
        const isIn = status !== 401 && status !== 403
        if (isIn !== mayCome(who, operation.access))
          wrong.push(`${who}: ${operation.name} ${status}`)
        if (status >= 500 && status !== 504) wrong.push(`${operation.name} breaks: ${status}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('have a row for each route of applications', () => {
    const routes = operations.filter(({ access }) => access === 'app').map(({ name }) => name)
    expect(Object.keys(ROWS).toSorted()).toEqual(routes.toSorted())
  })

  it("show no other tenant's key what is acme's", async () => {
    for (const [name, row] of Object.entries(ROWS)) {
      if (row.wall === 'nothing') continue
      const [method = ''] = name.split(' ')
      const body = row.wall === 'refused' ? row.body : undefined
      const { status, body: told } = await ask('foreign', method, row.path, body)
      const codes = row.wall === 'hidden' ? [404] : [400, 403]
      expect([name, codes.includes(status), status]).toEqual([name, true, status])
      const said = JSON.stringify(told)
      expect(said).not.toContain(SECRET)
      expect(said).not.toContain('"answered"')
    }
    const own = await ask('app', 'GET', `/v1/jobs/${JOB}`)
    expect(own).toMatchObject({ status: 200, body: { outcome: 'answered' } })
  })
})

const mayCome = (who: KeyRole | 'nobody', access: string): boolean => {
  // Whoever signs is asked for a signature, which none of these has.
  if (access === 'signature') return false
  if (access === 'anybody') return true
  const needed = KEY_ROLES.find((role) => role === access)
  return who !== 'nobody' && needed !== undefined && roleCovers(who, needed)
}
