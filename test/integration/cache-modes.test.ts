import { Writable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { outcomeCounts } from '../../src/ledger/queries/outcome-counts.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { POLICY } from './queue-rig.ts'

const lines: Record<string, unknown>[] = []
const destination = new Writable({
  write(chunk, _encoding, done) {
    lines.push(JSON.parse(String(chunk)))
    done()
  },
})

let rig: GatewayRig
let callsBefore = 0
beforeAll(async () => {
  rig = await startGatewayRig({
    policy: POLICY.replace('{ ttl: 1h }', '{ ttl: 1h, pure_tools: [sum] }').replace(
      'standard,',
      'standard, models: ["*"],',
    ),
    env: { CACHE_DEBUG: '1' },
    overrides: { logger: createLogger({ level: 'info', name: 'rig', destination }) },
  })
})
afterAll(() => rig.close())
beforeEach(() => {
  lines.length = 0
  callsBefore = rig.tap.calls.length
})

const ask = (content: string, more: object = {}) => ({
  ...{ user: 'ann', model: 'auto' },
  messages: [{ role: 'user', content }],
  ...more,
})

/** What the cache had to do with a request, by its receipt. */
const verdict = async (content: string, more: object = {}) => {
  const { receipt } = await rig.client.run(ask(content, more) as never)
  return receipt.cacheWhy === undefined ? receipt.cache : `${receipt.cache} ${receipt.cacheWhy}`
}
const calls = () => rig.tap.calls.length - callsBefore

it('each mode is served, and keeps, what it says', async () => {
  expect(await verdict('modes', { cache: 'read' })).toBe('miss read')
  // It kept nothing.
  expect(await verdict('modes', { cache: 'write' })).toBe('miss write')
  expect(await verdict('modes', { cache: 'write' })).toBe('miss write')
  expect(calls()).toBe(3)
  expect(await verdict('modes', { cache: 'read' })).toBe('hit')
  expect(await verdict('modes')).toBe('hit')
  expect(await verdict('modes', { cache: 'only' })).toBe('hit')
  expect(await verdict('modes', { cache: false })).toBe('off asked')
  expect(calls()).toBe(4)
})

it('a refresh replaces what is kept', async () => {
  const text = async (more: object) => (await rig.client.run(ask('again', more) as never)).text
  const first = await text({ seed: 1 })
  expect(await text({ seed: 1 })).toBe(first)
  expect(await verdict('again', { seed: 1, cache: 'refresh' })).toBe('miss refresh')
  expect(calls()).toBe(2)
  expect(await verdict('again', { seed: 1 })).toBe('hit')
  expect(calls()).toBe(2)
})

it('only the cache may answer: a miss is a refusal with a row, and no call', async () => {
  const before = await refused()
  await expect(verdict('nobody asked', { cache: 'only' })).rejects.toMatchObject({
    code: 'CACHE_MISS',
    retryable: false,
  })
  await expect(
    verdict('acts', { cache: 'only', tools: [{ type: 'function', function: { name: 'f' } }] }),
  ).rejects.toMatchObject({ code: 'CACHE_MISS', detail: { why: 'tools' } })
  await expect(rig.client.enqueue(ask('later', { cache: 'only' }) as never)).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
  })
  expect(calls()).toBe(0)
  expect(await refused()).toBe(before + 2)
})

async function refused(): Promise<number> {
  await rig.drain()
  return (await outcomeCounts(rig.runtime.ledger)).refused
}

it('an answer lives as long as its request says', async () => {
  expect(await verdict('short', { cache: { ttl: 1 } })).toBe('miss')
  expect(await verdict('short', { cache: { ttl: '1ms' } })).toBe('miss')
  expect(await verdict('short')).toBe('miss')
  expect(await verdict('short')).toBe('hit')
})

// Red when `private` narrows nothing.
it('a private answer is its user’s own', async () => {
  expect(await verdict('mine', { private: true })).toBe('miss')
  expect(await verdict('mine', { private: true })).toBe('hit')
  expect(await verdict('mine', { private: true, user: 'bob' })).toBe('miss')
  expect(await verdict('mine')).toBe('miss')
  expect(await verdict('mine', { user: 'bob' })).toBe('hit')
})

it('tiers with equal ladders share, and each reason not to is told', async () => {
  expect(await verdict('tiers')).toBe('miss')
  expect(await verdict('tiers', { user: 'rich' })).toBe('hit')
  expect(await verdict('tiers', { pinned: true })).toBe('miss')
  expect(await verdict('hot', { temperature: 1.5 })).toBe('off temperature')
  expect(await verdict('What is new today?')).toBe('off time')
  const tools = (name: string) => ({ tools: [{ type: 'function', function: { name } }] })
  expect(await verdict('tools', tools('send'))).toBe('off tools')
  expect(await verdict('tools', tools('sum'))).toBe('miss')
})

it('over HTTP headers say the same, and are told the verdict', async () => {
  const post = async (content: string, headers: Record<string, string> = {}) => {
    const type = { 'content-type': 'application/json' }
    const reply = await rig.post('/v1/jobs?wait=30s', ask(content), { ...type, ...headers })
    return [reply.status, reply.headers.get('x-bursar-cache') ?? reply.body.error.code]
  }
  expect(await post('http', { 'cache-control': 'only-if-cached' })).toEqual([504, 'CACHE_MISS'])
  expect(await post('http')).toEqual([200, 'miss'])
  expect(await post('http', { 'cache-control': 'no-cache' })).toEqual([200, 'miss; why=refresh'])
  expect(await post('http', { 'x-bursar-cache': 'read' })).toEqual([200, 'hit'])
  expect(await post('http', { 'x-bursar-cache': 'private' })).toEqual([200, 'miss'])
  expect(await post('http', { 'x-bursar-cache': 'off' })).toEqual([200, 'off; why=asked'])
  expect(await post('http', { 'x-bursar-cache': 'fresh' })).toEqual([400, 'INVALID_REQUEST'])
})

it('CACHE_DEBUG explains each request in one line', async () => {
  const post = (more: object) => rig.post('/v1/jobs?wait=30s', ask('explain', more))
  const cases = [{}, {}, { temperature: 2 }, { cache: 'refresh' }, { cache: 'only', seed: 9 }]
  for (const more of cases) await post(more)
  const told = lines.filter(({ msg }) => String(msg).startsWith('cache '))
  const key = expect.stringMatching(/^[0-9a-f]{16}:[0-9a-f]{64}$/)
  const known = { tenant: 'default', user: 'ann' }
  expect(told).toMatchObject([
    { ...known, verdict: 'miss', why: 'not-kept', mode: 'on', wall: 'tenant', key },
    { ...known, verdict: 'hit', ended: 'cached', mode: 'on', wall: 'tenant', key },
    { ...known, verdict: 'off', why: 'temperature', wall: null, key: null },
    { ...known, verdict: 'miss', why: 'refresh', mode: 'refresh', key },
    { ...known, verdict: 'miss', why: 'not-kept', mode: 'only', ended: 'refused', key },
  ])
  expect(JSON.stringify(told)).not.toContain('explain')
})
