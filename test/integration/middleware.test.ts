import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import express, { type Request } from 'express'
import { fastify } from 'fastify'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import {
  clearedCookie,
  createMiddleware,
  type LimitRefusal,
  type Middleware,
  sessionCookie,
  sessionOf,
} from '../../src/middleware/index.ts'
import { connectRedis, freshPrefix } from '../helpers/redis.ts'
import { startRedis } from '../helpers/services/index.ts'

/** An application around the middleware, the same over each framework. */
interface App {
  readonly url: string
  close(): Promise<void>
}

/** What the application did, so that a test sees whether it was asked. */
interface Done {
  pages: number
  readonly refused: LimitRefusal[]
}

const COOKIE = { secure: false }
const refusedBy = (done: Done) => (_: unknown, refused: LimitRefusal) =>
  void done.refused.push(refused)
const agentOf = (agent: unknown) => String(agent ?? '')

async function overExpress({ express: use, sessions }: Middleware, done: Done): Promise<App> {
  const app = express()
  app.set('trust proxy', true)
  app.use(use.sessions())
  app.get(
    '/limited',
    use.rateLimit({ name: 'three', limit: 3, onLimit: refusedBy(done) }),
    (_, res) => {
      res.json({ ok: true })
    },
  )
  app.get('/mine', use.rateLimit({ name: 'mine', limit: 1, per: '1h', by: 'user' }), (_, res) => {
    res.json({ ok: true })
  })
  app.get(
    '/keyed',
    use.rateLimit({ name: 'keyed', limit: 1, by: (request: Request) => request.get('x-key') }),
    (_, res) => {
      res.json({ ok: true })
    },
  )
  const page = (request: Request) => `${++done.pages} ${agentOf(request.get('accept-language'))}`
  app.get(
    '/page',
    use.cacheAnswers({ tags: ['course-7'], vary: ['accept-language'] }),
    (req, res) => {
      res.type('text/html').send(page(req))
    },
  )
  app.get('/pieces', use.cacheAnswers(), (req, res) => {
    res.setHeader('x-made', 'by hand')
    res.write('first, ')
    res.end(page(req))
  })
  app.get('/private', use.cacheAnswers(), (req, res) => {
    res.set('cache-control', 'private, max-age=60').send(page(req))
  })
  app.get('/cookie', use.cacheAnswers(), (req, res) => {
    res.cookie('a', 'b').send(page(req))
  })
  app.get(
    '/owned',
    use.cacheAnswers({ owner: (request) => ({ user: sessionOf(request)?.user ?? 'nobody' }) }),
    (req, res) => {
      res.send(page(req))
    },
  )
  app.post('/login/:user', async (req, res) => {
    const { token, session } = await sessions.open({ user: req.params.user })
    res.set('set-cookie', sessionCookie(token, session, COOKIE)).json({ id: session.id })
  })
  app.get('/me', use.sessions({ required: true }), (req, res) => {
    res.json({ user: sessionOf(req)?.user })
  })
  const server = createServer(app)
  return { url: await listen(server), close: () => end(server) }
}

async function overFastify({ fastify: use, sessions }: Middleware, done: Done): Promise<App> {
  const app = fastify({ trustProxy: true })
  await app.register(use.sessions())
  await app.register(async (scope) => {
    scope.register(use.rateLimit({ name: 'three', limit: 3, onLimit: refusedBy(done) }))
    scope.get('/limited', async () => ({ ok: true }))
  })
  await app.register(async (scope) => {
    scope.register(use.rateLimit({ name: 'mine', limit: 1, per: '1h', by: 'user' }))
    scope.get('/mine', async () => ({ ok: true }))
  })
  await app.register(async (scope) => {
    const by = ({ headers }: { headers: Record<string, unknown> }) =>
      headers['x-key'] === undefined ? undefined : String(headers['x-key'])
    scope.register(use.rateLimit({ name: 'keyed', limit: 1, by }))
    scope.get('/keyed', async () => ({ ok: true }))
  })
  const page = ({ headers }: { headers: Record<string, unknown> }) =>
    `${++done.pages} ${agentOf(headers['accept-language'])}`
  await app.register(async (scope) => {
    scope.register(use.cacheAnswers({ tags: ['course-7'], vary: ['accept-language'] }))
    scope.get('/page', async (request, reply) => reply.type('text/html').send(page(request)))
  })
  await app.register(async (scope) => {
    scope.register(use.cacheAnswers())
    scope.get('/pieces', async (request, reply) =>
      reply.header('x-made', 'by hand').send(`first, ${page(request)}`),
    )
    scope.get('/private', async (request, reply) =>
      reply.header('cache-control', 'private, max-age=60').send(page(request)),
    )
    scope.addHook('onSend', async (request, reply) => {
      // As cookie plugins do it: after the answer was made.
      if (request.url === '/cookie') reply.header('set-cookie', 'a=b')
    })
    scope.get('/cookie', async (request) => page(request))
  })
  await app.register(async (scope) => {
    const owner = (request: object) => ({ user: sessionOf(request)?.user ?? 'nobody' })
    scope.register(use.cacheAnswers({ owner }))
    scope.get('/owned', async (request) => page(request))
  })
  app.post<{ Params: { user: string } }>('/login/:user', async (request, reply) => {
    const { token, session } = await sessions.open({ user: request.params.user })
    reply.header('set-cookie', sessionCookie(token, session, COOKIE))
    return { id: session.id }
  })
  await app.register(async (scope) => {
    scope.register(use.sessions({ required: true }))
    scope.get('/me', async (request) => ({ user: sessionOf(request)?.user }))
  })
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}

async function end(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

/** A slot that Bursar opened. */
async function openedSlot(url = inject('redisUrl')): Promise<string> {
  const prefix = freshPrefix()
  const redis = connectRedis({ url })
  const store = await createRedisStore({ redis, prefix })
  await store.open(1)
  await store.close()
  await redis.quit()
  return prefix
}

const FRAMEWORKS = { Express: overExpress, Fastify: overFastify }
const PLACES = ['Redis', 'memory'] as const
const cases = PLACES.flatMap((place) =>
  Object.entries(FRAMEWORKS).map(([framework, start]) => ({ place, framework, start })),
)

describe.each(cases)('$framework, in $place', ({ place, start }) => {
  let middleware: Middleware
  let app: App
  const done: Done = { pages: 0, refused: [] }
  beforeAll(async () => {
    const prefix = place === 'Redis' ? await openedSlot() : freshPrefix()
    middleware = createMiddleware({
      prefix,
      ...(place === 'Redis' && { redisUrl: inject('redisUrl') }),
    })
    app = await start(middleware, done)
  })
  afterAll(async () => {
    await app.close()
    await middleware.close()
  })

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(app.url + path, { headers })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text }
  }
  /** What is kept: an answer is kept once it was given, a moment later. */
  const kept = async (path: string, headers: Record<string, string> = {}) => {
    for (;;) {
      const answer = await get(path, headers)
      if (answer.headers.get('x-bursar-cache') === 'hit') return answer
    }
  }
  const signIn = async (user: string) => {
    const response = await fetch(`${app.url}/login/${user}`, { method: 'POST' })
    const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';')
    return { cookie }
  }

  test('a limit lets as many pass as it says, whoever comes from elsewhere too, and then says when', async () => {
    const here = { 'x-forwarded-for': '203.0.113.7' }
    const passed = [
      await get('/limited', here),
      await get('/limited', here),
      await get('/limited', here),
    ]
    expect(passed.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(passed.map(({ headers }) => headers.get('x-ratelimit-remaining'))).toEqual([
      '2',
      '1',
      '0',
    ])
    expect(passed[0]?.headers.get('ratelimit-policy')).toBe('"app:three";q=3;w=60')
    const refused = await get('/limited', here)
    expect(refused.status).toBe(429)
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(61)
    expect(JSON.parse(refused.text).error).toMatchObject({
      ...{ type: 'rate_limit_error', code: 'RATE_LIMITED', retryable: true },
      detail: { of: 3, remaining: 0 },
    })
    expect(done.refused).toMatchObject([{ limit: expect.stringContaining('app:three'), of: 3 }])
    expect((await get('/limited', { 'x-forwarded-for': '203.0.113.8' })).status).toBe(200)
  })

  test('people are counted by who they are, and by a key of the application', async () => {
    const [ann, bob] = [await signIn('ann'), await signIn('bob')]
    expect((await get('/mine', ann)).status).toBe(200)
    expect((await get('/mine', { ...ann, 'x-forwarded-for': '203.0.113.9' })).status).toBe(429)
    expect((await get('/mine', bob)).status).toBe(200)
    expect((await get('/keyed', { 'x-key': 'k1' })).status).toBe(200)
    expect((await get('/keyed', { 'x-key': 'k2' })).status).toBe(200)
    expect((await get('/keyed', { 'x-key': 'k1' })).status).toBe(429)
  })

  test('an answer is kept and served again, by what it goes by, until its tag is invalidated', async () => {
    const de = { 'accept-language': 'de' }
    expect((await get('/page', de)).headers.get('x-bursar-cache')).toBe('miss')
    const first = await kept('/page', de)
    const madeBefore = done.pages
    const again = await get('/page', de)
    expect(again.text).toMatch(/^\d+ de$/)
    expect(done.pages).toBe(madeBefore)
    expect(again.headers.get('content-type')).toMatch(/^text\/html/)
    expect(Number(again.headers.get('age'))).toBeLessThan(60)
    expect((await kept('/page', { 'accept-language': 'en' })).text).not.toBe(first.text)
    expect((await kept('/page?more=1', de)).text).not.toBe(first.text)
    expect(await middleware.cache.invalidateTag('pages', 'course-7')).toBe(3)
    expect((await get('/page', de)).headers.get('x-bursar-cache')).toBe('miss')
    const whole = await kept('/pieces')
    expect(whole.text).toMatch(/^first, \d+ /)
    expect(whole.headers.get('x-made')).toBe('by hand')
  })

  test('what knows its etag is not sent again', async () => {
    for (;;) {
      const { headers } = await kept('/page', { 'accept-language': 'fr' })
      const etag = headers.get('etag')
      // Express makes one, Fastify makes none by itself.
      if (etag === null) return
      const known = await get('/page', { 'accept-language': 'fr', 'if-none-match': etag })
      // Another one that was given before the first was kept may replace it, once.
      if (known.status !== 304) continue
      expect(known.text).toBe('')
      return
    }
  })

  test('nothing is kept that is private, sets a cookie or was asked with credentials', async () => {
    for (const [path, headers] of [
      ['/private', {}],
      ['/cookie', {}],
      ['/pieces?a', { authorization: 'Bearer x' }],
      ['/pieces?b', { cookie: 'a=b' }],
    ] as const) {
      const [one, other] = [await get(path, headers), await get(path, headers)]
      expect(one.text, path).not.toBe(other.text)
    }
  })

  test('an owner has answers of their own, with credentials too', async () => {
    const [ann, bob] = [await signIn('ann'), await signIn('bob')]
    const own = await kept('/owned', ann)
    const madeBefore = done.pages
    expect((await get('/owned', ann)).headers.get('x-bursar-cache')).toBe('hit')
    expect(done.pages).toBe(madeBefore)
    expect((await get('/owned', bob)).text).not.toBe(own.text)
  })

  test('a session opens what wants one, by cookie or as a bearer, until it is revoked', async () => {
    expect((await get('/me')).status).toBe(401)
    const { cookie } = await signIn('cleo')
    expect(await get('/me', { cookie: `a=b; ${cookie}; c=d` })).toMatchObject({ status: 200 })
    const token = cookie.slice(cookie.indexOf('=') + 1)
    const { text } = await get('/me', { authorization: `Bearer ${token}` })
    expect(JSON.parse(text)).toEqual({ user: 'cleo' })
    expect(await middleware.sessions.list({ user: 'cleo' })).toMatchObject([{ requests: 2 }])
    expect(await middleware.sessions.revokeAll({ user: 'cleo' })).toBe(1)
    expect((await get('/me', { cookie })).status).toBe(401)
    expect(clearedCookie()).toContain('Max-Age=0')
  })
})

describe('while Redis is away', () => {
  test.each([
    ['allow', 200],
    ['refuse', 503],
  ] as const)('a limit that says %s answers %i, and soon', async (whenAway, status) => {
    const server = await startRedis()
    const prefix = await openedSlot(server.url)
    const middleware = createMiddleware({ redisUrl: server.url, prefix })
    const app = express()
    app.use(middleware.express.rateLimit({ whenAway }))
    app.get('/', (_, res) => void res.json({}))
    const http = createServer(app)
    const url = await listen(http)
    try {
      expect((await fetch(url)).headers.get('x-ratelimit-limit')).toBe('100')
      await server.kill()
      const startedMs = performance.now()
      const response = await fetch(url)
      expect(response.status).toBe(status)
      expect(performance.now() - startedMs).toBeLessThan(5_000)
      if (status === 503) expect(response.headers.get('retry-after')).toBe('1')
    } finally {
      await end(http)
      await middleware.close()
      await server.stop()
    }
  })
})

test('options that are none are refused when the middleware is made', () => {
  const { express: use } = createMiddleware()
  expect(() => use.rateLimit({ per: 'soon' })).toThrow(/30s, 5m/)
  expect(() => use.rateLimit({ limit: 0 })).toThrow(/whole number/)
  expect(() => use.rateLimit({ name: 'a/b' })).toThrow(/name/)
  expect(() => use.cacheAnswers({ ttl: '-1s' })).toThrow(/ttl/)
  expect(() => use.sessions({ name: 'a b' })).toThrow(/cookie/)
})
