import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createCache } from '../../src/client/cache/index.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

let server: Server
let url: string
let answer: Answer
let asked: IncomingMessage[]
const logger = { warn: () => {}, info: () => {} }
const open = () => createCache({ redisUrl: '', logger })

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    asked.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const at = server.address()
  if (at === null || typeof at === 'string') throw new Error('no port')
  url = `http://127.0.0.1:${at.port}/repos`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const json =
  (value: unknown, headers: Record<string, string | number> = {}, status = 200): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    response.end(JSON.stringify(value))
  }

/** A namespace whose time is over at once: each question asks the server whether it has changed. */
const NOW = { namespace: 'posts', ttlMs: 1 }
/** Lets a millisecond pass. */
const later = () => new Promise((resolve) => setTimeout(resolve, 3))

test('an answer is fetched once, and served until its time is over', async () => {
  const cache = open()
  answer = json({ stars: 1 })
  expect(await cache.cachedFetch(url, { namespace: 'posts' })).toMatchObject({
    ...{ value: { stars: 1 }, from: 'fetched' },
  })
  expect(await cache.cachedFetch(url, { namespace: 'posts' })).toMatchObject({ from: 'cache' })
  expect(asked).toHaveLength(1)
  expect(cache.counts().posts).toMatchObject({ hits: 1, misses: 1 })
})

test('many who ask at once are one request', async () => {
  const cache = open()
  answer = json(7)
  const all = await Promise.all(
    Array.from({ length: 20 }, () => cache.cachedFetch(url, { namespace: 'posts' })),
  )
  expect(all.map(({ value }) => value)).toEqual(Array.from({ length: 20 }, () => 7))
  expect(asked).toHaveLength(1)
})

test('what has not changed is asked for by its tag, and kept', async () => {
  const cache = open()
  answer = json({ n: 1 }, { etag: '"v1"' })
  await cache.cachedFetch(url, NOW)
  await later()
  answer = (_, response) => response.writeHead(304).end()
  const again = await cache.cachedFetch(url, NOW)
  expect(again).toMatchObject({ value: { n: 1 }, from: 'revalidated' })
  expect(asked[1]?.headers['if-none-match']).toBe('"v1"')
  await later()
  answer = json({ n: 2 }, { etag: '"v2"' })
  expect(await cache.cachedFetch(url, NOW)).toMatchObject({ value: { n: 2 }, from: 'fetched' })
})

test('a date stands in for a tag', async () => {
  const cache = open()
  const date = 'Sat, 21 Nov 2026 12:00:00 GMT'
  answer = json(1, { 'last-modified': date })
  await cache.cachedFetch(url, NOW)
  await later()
  answer = (_, response) => response.writeHead(304).end()
  expect(await cache.cachedFetch(url, NOW)).toMatchObject({ value: 1, from: 'revalidated' })
  expect(asked[1]?.headers['if-modified-since']).toBe(date)
})

test('max-age shortens the time of the namespace, and never lengthens it', async () => {
  const cache = open()
  answer = json(1, { 'cache-control': 'public, max-age=0' })
  const first = { namespace: 'posts' }
  await cache.cachedFetch(url, first)
  await later()
  await cache.cachedFetch(url, first)
  expect(asked).toHaveLength(2)
  answer = json(1, { 'cache-control': 'max-age=86400' })
  const other = `${url}/long`
  await cache.cachedFetch(other, NOW)
  await later()
  await cache.cachedFetch(other, NOW)
  expect(asked).toHaveLength(4)
})

test('what is not to be stored is not', async () => {
  const cache = open()
  answer = json(1, { 'cache-control': 'no-store' })
  for (const from of ['fetched', 'fetched']) {
    expect(await cache.cachedFetch(url, { namespace: 'posts' })).toMatchObject({ from })
  }
})

test.each([
  { refusal: '429', status: 429, headers: { 'retry-after': '60' } },
  {
    ...{ refusal: 'the 403 of a spent allowance', status: 403 },
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '4102444800' },
  },
])('$refusal serves the last copy, and nobody is asked again meanwhile', async (refused) => {
  const cache = open()
  answer = json({ n: 1 })
  await cache.cachedFetch(url, NOW)
  await later()
  answer = json({}, refused.headers, refused.status)
  for (const _ of [1, 2, 3]) {
    expect(await cache.cachedFetch(url, NOW)).toMatchObject({ value: { n: 1 }, from: 'stale' })
  }
  expect(asked).toHaveLength(2)
  expect(cache.counts().posts?.stale).toBe(3)
})

test('a 403 that is about access shows nobody the copy of before', async () => {
  const cache = open()
  answer = json({ secret: 1 })
  await cache.cachedFetch(url, NOW)
  await later()
  answer = json({}, {}, 403)
  await expect(cache.cachedFetch(url, NOW)).rejects.toMatchObject({
    ...{ code: 'FETCH_FAILED', detail: { status: 403 } },
  })
})

test('a server that is broken or away leaves the last copy; without one it is a typed error', async () => {
  const cache = open()
  answer = json(1)
  await cache.cachedFetch(url, NOW)
  await later()
  answer = json({}, {}, 503)
  expect(await cache.cachedFetch(url, NOW)).toMatchObject({ value: 1, from: 'stale' })
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': 100 })
    response.write('cut', () => response.destroy())
  }
  expect(await cache.cachedFetch(url, NOW)).toMatchObject({ value: 1, from: 'stale' })
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  expect(await cache.cachedFetch(url, NOW)).toMatchObject({ value: 1, from: 'stale' })
  const missing = cache.cachedFetch(`${url}?token=hunter2`, NOW)
  await expect(missing).rejects.toMatchObject({ code: 'FETCH_FAILED', retryable: true })
  await expect(missing).rejects.not.toThrow('hunter2')
})

test('whoever shows another key gets an answer of their own', async () => {
  const cache = open()
  answer = (request, response) => response.end(request.headers.authorization)
  const as = async (key: string) => {
    const headers = { Authorization: key }
    return (await cache.cachedFetch(url, { namespace: 'posts', headers })).value
  }
  expect([await as('Bearer a'), await as('Bearer b'), await as('Bearer a')]).toEqual([
    ...['Bearer a', 'Bearer b', 'Bearer a'],
  ])
  expect(asked).toHaveLength(2)
})
