import { once } from 'node:events'
import { link, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { OwnClient } from '../../src/client/client-type.ts'
import { createHttpClient } from '../../src/client/http/index.ts'
import type { StreamPart } from '../../src/client/index.ts'
import { startGateway } from '../../src/gateway/server.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { NOBODY } from '../helpers/nobody.ts'
import { startRedis } from '../helpers/services/index.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { isEmbedded, type Rig, until } from './queue-rig.ts'

/** About a server that embedded there is not. */
const onRedis = isEmbedded ? () => {} : it

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function start(...options: Parameters<typeof startGatewayRig>): Promise<GatewayRig> {
  const rig = await startGatewayRig(...options)
  closers.push(() => rig.close())
  return rig
}

const ask = (content: string, more: object = {}) => ({
  user: 'u42',
  model: 'auto',
  messages: [{ role: 'user' as const, content }],
  ...more,
})

onRedis(
  'readiness is red within two seconds of the death of Redis, and green again after',
  async () => {
    const redis = await startRedis()
    closers.push(() => redis.stop())
    const rig = await start({ env: { REDIS_URL: redis.url }, workers: false })
    expect((await rig.ask('/ready')).status).toBe(200)
    await redis.kill()
    const killedAtMs = Date.now()
    const red = await rig.ask('/ready')
    expect(Date.now() - killedAtMs).toBeLessThan(2_000)
    expect(red).toMatchObject({
      status: 503,
      body: { ready: false, parts: { slot: { state: 'down' }, ledger: { state: 'up' } } },
    })
    expect((await rig.ask('/health')).status).toBe(200)
    const refused = await rig.post('/v1/jobs', ask('Not now'))
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'STORE_UNAVAILABLE' } } })
    await redis.restart()
    await until(async () => (await rig.ask('/ready')).status === 200)
    const handed = await rig.post('/v1/jobs', ask('Now'))
    expect(handed.status).toBe(202)
  },
)

it('closing answers whoever waits, ends streams with what to do, and cuts idle connections', async () => {
  const rig = await start({ workers: false })
  const { body } = await rig.post('/v1/jobs', ask('Nobody works'))
  const polled = rig.ask(`${body.url}?wait=10m`)
  const streamed = rig.post('/v1/jobs', {
    ...ask('Nobody works'),
    jobId: 'cut-stream',
    stream: true,
  })
  await until(async () => (await rig.runtime.queues.interactive.getJob('cut-stream')) !== undefined)
  // One that never sends a request, as browsers and balancers open them.
  const { hostname, port } = new URL(rig.url)
  const idle = connect(Number(port), hostname).resume()
  await once(idle, 'connect')
  await rig.ask('/health')
  const startedAtMs = Date.now()
  await rig.gateway.close()
  expect(Date.now() - startedAtMs).toBeLessThan(2_000)
  const poll = await polled
  expect(poll).toMatchObject({ status: 202, body: { id: body.id, status: 'queued' } })
  expect(poll.headers.get('connection')).toBe('close')
  expect((await streamed).body).toMatch(/^event: error\ndata: .*"GATEWAY_UNAVAILABLE"/m)
  await expect(rig.ask('/health')).rejects.toThrow()
})

describe('where it listens', () => {
  const folder = async () => {
    const path = await mkdtemp(join(tmpdir(), 'bursar-socket-'))
    closers.push(() => rm(path, { recursive: true }))
    return path
  }

  it("a unix socket is its owner's alone, and a stale one is in nobody's way", async () => {
    const socketPath = join(await folder(), 'bursar.sock')
    // Closing a server removes its socket; a process that dies leaves it behind.
    const dead = createTcpServer().listen(socketPath)
    await once(dead, 'listening')
    await link(socketPath, `${socketPath}.left`)
    dead.close()
    await once(dead, 'close')
    const rig = await start({ workers: false }, { socketPath: `${socketPath}.left` })
    expect((await stat(`${socketPath}.left`)).mode & 0o777).toBe(0o600)
    const { runtime } = rig
    const again = startGateway({
      runtime,
      client: behind(rig),
      port: 0,
      socketPath: `${socketPath}.left`,
    })
    await expect(again).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('another process listens'),
    })
    const taken = startGateway({
      runtime,
      client: behind(rig),
      port: Number(new URL(rig.url).port),
    })
    await expect(taken).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('BURSAR_PORT'),
    })
  })

  it('another file is never removed', async () => {
    const socketPath = join(await folder(), 'notes.txt')
    await writeFile(socketPath, 'precious')
    const rig = await start({ workers: false })
    const tried = startGateway({ runtime: rig.runtime, client: behind(rig), port: 0, socketPath })
    await expect(tried).rejects.toMatchObject({ code: 'INVALID_OPTIONS' })
    expect((await stat(socketPath)).size).toBe(8)
  })
})

/** The client of another gateway over the same Bursar. */
function behind({ runtime }: Rig): OwnClient {
  const client = clientOf(runtime)
  closers.push(() => client.close())
  return client
}

describe('the HTTP client', () => {
  it('says so when no gateway answers', async () => {
    for (const url of [NOBODY, 'unix:/nowhere/bursar.sock']) {
      const client = createHttpClient({ url })
      const calls = [
        () => client.run(ask('x')),
        () => client.enqueue(ask('x')),
        () => client.cancel('job'),
      ]
      for (const call of calls) {
        await expect(call()).rejects.toMatchObject({ code: 'GATEWAY_UNAVAILABLE', retryable: true })
      }
      const stream = client.stream(ask('x'))
      await expect(stream.final).rejects.toMatchObject({ code: 'GATEWAY_UNAVAILABLE' })
      await expect(stream.jobId).rejects.toMatchObject({ code: 'GATEWAY_UNAVAILABLE' })
      await client.close()
      await expect(client.run(ask('x'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  it('waits through a restart of the gateway', async () => {
    const rig = await start({ workers: false })
    const client = createHttpClient({ url: rig.url })
    const running = client.run(ask('Survive'))
    const stream = client.stream(ask('Survive, piece by piece'))
    const { interactive } = rig.runtime.queues
    await until(async () => (await interactive.getJobCountByTypes('prioritized', 'waiting')) === 2)
    await rig.gateway.close()
    const port = Number(new URL(rig.url).port)
    const next = await startGateway({ runtime: rig.runtime, client: behind(rig), port })
    closers.push(() => next.close())
    await rig.startWorkers()
    expect((await running).text).not.toBe('')
    let text = ''
    for await (const piece of stream) text = piece.restart ? '' : text + piece.text
    expect(text).toBe((await stream.final).text)
    expect(rig.sandbox.stats().billed).toBe(2)
  })

  it('starts a stream over when it was cut in the middle', async () => {
    const rig = await start()
    let cuts = 0
    const client = createHttpClient({
      url: rig.url,
      async fetch(url, init) {
        const response = await fetch(url, init)
        if (!response.body || cuts > 0) return response
        cuts += 1
        return new Response(cutAfterFirstPart(response.body), response)
      },
    })
    const stream = client.stream(ask('Break off, please'))
    const pieces: StreamPart[] = []
    for await (const piece of stream) pieces.push(piece)
    const restart = pieces.findIndex((piece) => piece.restart)
    expect(restart).toBeGreaterThan(0)
    const whole = pieces.slice(restart + 1).map(({ text }) => text)
    expect(whole.join('')).toBe((await stream.final).text)
    expect(rig.sandbox.stats().billed).toBe(1)
  })

  it('cancels what its caller aborts, and says so', async () => {
    const rig = await start({ workers: false })
    const client = createHttpClient({ url: rig.url })
    const abort = new AbortController()
    const { signal } = abort
    const running = client.run(ask('Never mind', { jobId: 'never-mind' }), { signal })
    const stream = client.stream(ask('Never mind', { jobId: 'never-mind-2' }), { signal })
    await stream.jobId
    await until(
      async () => (await rig.runtime.queues.interactive.getJob('never-mind')) !== undefined,
    )
    abort.abort(new Error('enough'))
    for (const ended of [running, stream.final]) {
      await expect(ended).rejects.toMatchObject({ code: 'CANCELLED', cause: signal.reason })
    }
    for (const id of ['never-mind', 'never-mind-2']) {
      expect((await rig.ask(`/v1/jobs/${id}`)).body).toMatchObject({ outcome: 'cancelled' })
    }
    await expect(client.run(ask('x'), { signal })).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('stops waiting when its time is over, and the request goes on', async () => {
    const rig = await start({ workers: false })
    const client = createHttpClient({ url: rig.url })
    const late = client.run(ask('Slow', { jobId: 'slow-job' }), { timeoutMs: 200 })
    const message = 'no answer to slow-job within 200 ms; it goes on'
    await expect(late).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      retryable: true,
      message: expect.stringContaining(message),
    })
    const stream = client.stream(ask('Slow'), { timeoutMs: 200 })
    await expect(stream.final).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' })
    await rig.startWorkers()
    expect((await client.result('slow-job')).receipt.jobId).toBe('slow-job')
    await expect(client.result('unheard-of')).rejects.toMatchObject({ code: 'UNKNOWN_JOB' })
  })

  it.for([
    [200, 'text/html', '<html>hello</html>', 'UNREADABLE_REPLY'],
    [200, 'application/json', '{"status":"ended"}', 'UNREADABLE_REPLY'],
    [200, 'application/json', '[]', 'UNREADABLE_REPLY'],
    [301, 'text/html', '', 'UNREADABLE_REPLY'],
    [404, 'application/json', '{"error":"Not Found"}', 'UNREADABLE_REPLY'],
    [401, 'application/json', '{"error":{"message":"no","code":null}}', 'UNREADABLE_REPLY'],
    [400, 'application/json', '{"error":{"message":"new","code":"BRAND_NEW"}}', 'BRAND_NEW'],
  ] as const)(
    'names a reply that is none of ours: %i %s %s',
    async ([status, type, body, code]) => {
      const server = createServer((_, res) => {
        res.writeHead(status, { 'content-type': type }).end(body)
      }).listen(0, '127.0.0.1')
      closers.push(async () => server.close())
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      const client = createHttpClient({ url: `http://127.0.0.1:${port}`, apiKey: 'k' })
      await expect(client.run(ask('x'))).rejects.toMatchObject({ code })
      await expect(client.quota({ user: 'u' })).rejects.toMatchObject({ code })
      await expect(client.stream(ask('x')).final).rejects.toMatchObject({ code })
      await client.close()
    },
  )

  it.for([
    'ftp://host',
    'host:8080',
    'http://user:secret@host',
    'http://host?key=secret',
    'unix:',
    '',
  ])('refuses the address "%s", without repeating it', (url) => {
    const refusal = (() => {
      try {
        return createHttpClient({ url })
      } catch (error) {
        return error
      }
    })()
    expect(refusal).toMatchObject({ code: 'INVALID_OPTIONS' })
    expect(String(refusal)).not.toContain('secret')
  })
})

/** Ends a stream in the middle of an event, as a broken connection does. */
async function* firstParts(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    yield chunk
    if (Buffer.from(chunk).includes('event: part')) throw new Error('the connection broke')
  }
}
const cutAfterFirstPart = (body: AsyncIterable<Uint8Array>) =>
  ReadableStream.from(firstParts(body)) as ReadableStream<Uint8Array>
