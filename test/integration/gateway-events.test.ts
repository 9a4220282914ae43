import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assertSigned } from '../../src/access/webhook-signature.ts'
import { policyApply } from '../../src/admin/policy/apply.ts'
import { policyShow } from '../../src/admin/policy/show.ts'
import { webhooksList } from '../../src/admin/webhooks/list.ts'
import { tellJobEnds } from '../../src/alerts/job-ends/deliver.ts'
import { createWatch } from '../../src/gateway/events/watch.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { bursar } from './cli-harness.ts'
import { createKeys, type Keys } from './gateway-key-ring.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { gate, until } from './queue-rig.ts'

const POLICY = `
version: 1
tiers:
  basic: { budget: { usd: "5", per: hour }, ladder: one, on_exhausted: park }
ladders: { one: [{ model: gpt-6-luna, max_output_tokens: 256 }] }
providers: { openai: { base_url: "https://api.openai.com/v1", key: \${OPENAI_API_KEY} } }
limits:
  - { id: lane, scope: { tag: lane=one }, concurrent: 1 }
`

const lines: string[] = []
const destination = { write: (line: string) => void lines.push(line) }

let rig: GatewayRig
let keys: Keys
beforeAll(async () => {
  const logger = createLogger({ level: 'debug', name: 'rig', destination })
  rig = await startGatewayRig({ policy: POLICY, overrides: { logger } })
  keys = createKeys(rig.runtime)
})
afterAll(() => rig.close())

interface Heard {
  readonly id?: string
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at any JSON
  readonly data: any
}

/** Listens until the stream ends, or `enough` says so. */
async function listen(
  path: string,
  enough: (heard: readonly Heard[]) => boolean = () => false,
  lastId?: string,
): Promise<Heard[]> {
  const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
  const response = await fetch(rig.url + path, { headers })
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
  const heard: Heard[] = []
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    heard.push(...blocks.flatMap((block) => (block.startsWith(':') ? [] : [read(block)])))
    if (enough(heard)) break
  }
  return heard
}

function read(block: string): Heard {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
  const id = field('id')
  const named = { event: field('event') ?? '', data: JSON.parse(field('data') ?? 'null') }
  return id === undefined ? named : { ...named, id }
}

const handIn = (jobId: string, more: object = {}) =>
  rig.post('/v1/jobs', {
    ...{ jobId, user: 'u1', model: 'auto', cache: false },
    messages: [{ role: 'user', content: `Tell ${jobId}` }],
    ...more,
  })

const textOf = (heard: readonly Heard[]): string =>
  heard
    .filter(({ event }) => event === 'part')
    .reduce((text, { data }) => (data.restart ? '' : text + data.text), '')

describe('the events of a job', () => {
  it('tell what it waits for and until when, and how it ended', async () => {
    const tags = { lane: 'one' }
    const { wait, open } = gate()
    rig.tap.decide = ({ text }) => (text.includes('in-the-lane') ? { wait } : undefined)
    const calls = rig.tap.calls.length
    await handIn('in-the-lane', { tags })
    await rig.tap.arrived(calls + 1)
    await handIn('behind-it', { tags })
    const parked = await listen('/v1/jobs/behind-it/events', (heard) =>
      heard.some(({ event }) => event === 'parked'),
    )
    expect(parked.at(-1)).toMatchObject({
      data: {
        id: 'behind-it',
        status: 'parked',
        why: { by: 'limit', what: expect.stringContaining('lane') },
      },
    })
    expect(parked.at(-1)?.data.resumesAt).toMatch(/^\d{4}-.*Z$/)
    const all = listen('/v1/jobs/behind-it/events')
    await rig.ask('/v1/jobs/behind-it', { method: 'DELETE' })
    expect((await all).at(-1)).toMatchObject({
      ...{ event: 'ended', id: 'ended' },
      data: { outcome: 'cancelled', error: { code: 'CANCELLED' } },
    })
    open()
  })

  it('come again to whoever comes back, from the piece after the last one that was heard', async () => {
    const streaming = rig.post('/v1/jobs', {
      ...{ jobId: 'in-pieces', user: 'u1', model: 'auto', cache: false, stream: true },
      messages: [{ role: 'user', content: 'Tell a story in many pieces' }],
      metadata: { sandbox_chunk_delay_ms: '30' },
    })
    await until(async () => (await rig.ask('/v1/jobs/in-pieces')).status !== 404)
    const first = await listen('/v1/jobs/in-pieces/events', (heard) =>
      heard.some(({ event }) => event === 'part'),
    )
    const parts = first.filter(({ event }) => event === 'part')
    const rest = await listen('/v1/jobs/in-pieces/events', () => false, parts.at(-1)?.id)
    const ended = rest.at(-1)
    expect(ended).toMatchObject({ event: 'ended', data: { outcome: 'answered' } })
    expect(rest.some(({ data }) => data.restart)).toBe(false)
    expect(textOf([...first, ...rest])).toBe(ended?.data.text)
    expect(first.map(({ event }) => event)).toContain('started')

    // Somebody whose last piece is none of this answer's starts over.
    const other = await listen('/v1/jobs/in-pieces/events', () => false, '2-abc')
    expect(other.some(({ data }) => data.restart)).toBe(true)
    expect(textOf(other)).toBe(ended?.data.text)
    const headers = { 'last-event-id': 'ended' }
    expect((await rig.ask('/v1/jobs/in-pieces/events', { headers })).status).toBe(204)
    await streaming
  })
})

describe('the policy by commands', () => {
  const order = (name: string, input: object) => rig.post(`/v1/admin/${name}`, input)
  const changed = POLICY.replace('usd: "5"', 'usd: "7"')

  it('is judged with lines, compared, put in force, and on record without its text', async () => {
    const judged = await order('policy-validate', { yaml: 'version: 1\ntiers: []\n' })
    expect(judged).toMatchObject({ status: 200, body: { ok: false } })
    expect(judged.body.problems).toContainEqual(expect.objectContaining({ line: 2, path: 'tiers' }))

    const before = await keys.run(policyShow, {})
    const { body: difference } = await order('policy-diff', { yaml: changed })
    expect(difference).toMatchObject({
      from: before.version,
      changes: [{ path: 'tiers.basic.budget.windows.0.limitNano', before: 5e9, after: 7e9 }],
      touches: { budgets: ['tier.basic'], tiers: ['basic'], tenants: ['*'] },
    })

    const stale = { yaml: changed, after: before.version + 1, reason: 'too late' }
    expect((await order('policy-apply', stale)).status).toBe(400)
    const input = { yaml: changed, after: before.version, reason: 'exam weeks' }
    const { body: applied } = await order('policy-apply', input)
    expect(applied).toMatchObject({ version: before.version + 1, from: before.version })
    await until(async () => rig.runtime.rules.current().policy.version === before.version + 1)

    const { body: log } = await order('audit-list', { action: 'policy-apply' })
    expect(log.changes).toMatchObject([
      { by: 'operator', outcome: 'done', input: { yaml: '[removed]', reason: 'exam weeks' } },
      { outcome: 'failed', input: { reason: 'too late' } },
    ])
    expect(JSON.stringify(log)).not.toContain('base_url')
  })

  it('tells which windows another one would leave over their limit, and only those', async () => {
    await handIn('spends-some')
    const spent = await rig.ask('/v1/jobs/spends-some?wait=30s')
    expect(spent.body).toMatchObject({ outcome: 'answered' })
    const over = async (usd: string) =>
      (await order('policy-diff', { yaml: POLICY.replace('usd: "5"', `usd: "${usd}"`) })).body.over
    const { windows, total } = await over('0.0000001')
    expect(total).toBe(1)
    expect(windows).toMatchObject([
      { budget: 'tier.basic/default/u1', limitNano: 7e9, wouldBeNano: 100 },
    ])
    expect(windows[0].usedNano).toBeGreaterThan(100)
    expect(await over('3')).toEqual({ windows: [], total: 0 })
  })

  it('of an operator stays when a process starts with the file that it was applied over', async () => {
    const { version } = await keys.run(policyShow, {})
    const other = await rig.newRuntime({})
    expect(other.rules.current().policy.version).toBe(version)
    expect(await keys.run(policyShow, {})).toMatchObject({ version, origin: 'applied' })
  })

  it('keeps secrets of keys out of the log', async () => {
    const { text } = await keys.make({ tenant: 'acme' })
    const { body: issued } = await order('keys-create', { tenant: 'acme' })
    const { body: log } = await order('audit-list', {})
    expect(log.changes[0]).toMatchObject({ action: 'keys-create', result: { apiKey: '[removed]' } })
    for (const secret of [text, issued.apiKey]) expect(JSON.stringify(log)).not.toContain(secret)
  })
})

it('metrics tell routes, errors, calls and parts, and hostile names add no line', async () => {
  const lines = async () => String((await rig.ask('/metrics')).body).split('\n')
  await rig.ask('/v1/jobs/nobody-has-it')
  for (let n = 0; n < 20; n++) await rig.ask(`/nowhere/${n}`)
  await lines()
  const before = await lines()
  expect(before.some((line) => line.startsWith('bursar_errors_total{code="UNKNOWN_JOB"}'))).toBe(
    true,
  )
  for (const name of ['http_seconds_count', 'provider_calls_total', 'part_up', 'part_seconds']) {
    expect([name, before.some((line) => line.startsWith(`bursar_${name}{`))]).toEqual([name, true])
  }
  for (let n = 0; n < 150; n++)
    rig.runtime.metrics.requests.inc({ outcome: 'answered', tier: `t${n}` })
  for (let n = 0; n < 20; n++) await rig.ask(`/also-nowhere/${n}`)
  const after = await lines()
  const tiers = after.filter((line) => line.startsWith('bursar_requests_total{'))
  expect(tiers.length).toBeLessThan(110)
  expect(tiers.some((line) => line.includes('tier="other"'))).toBe(true)
  const routes = (all: string[]) =>
    all.filter((one) => one.startsWith('bursar_http_requests_total'))
  expect(routes(after)).toHaveLength(routes(before).length)
})

it('whoever watches hears of outcomes, changes and parked work, and not of what was before', async () => {
  await rig.drain()
  const isDone = (heard: readonly Heard[]) =>
    heard.some(({ data }) => data.job === 'is-watched') &&
    heard.some(({ event }) => event === 'change')
  const watching = listen('/v1/admin/events', isDone)
  const begun = listen('/v1/admin/events', (heard) => heard.length > 0)
  expect(await begun).toMatchObject([{ event: 'parked', data: { jobs: 0 } }])
  await handIn('is-watched')
  await rig.ask('/v1/jobs/is-watched?wait=30s')
  await keys.make({ tenant: 'acme' })
  await rig.post('/v1/admin/keys-create', { tenant: 'acme' })
  await rig.drain()
  const heard = await watching
  const outcomes = heard.filter(({ event }) => event === 'outcome')
  expect(outcomes).toMatchObject([{ data: { job: 'is-watched', outcome: 'answered', user: 'u1' } }])
  expect(heard.find(({ event }) => event === 'change')).toMatchObject({
    data: { by: 'operator', action: 'keys-create', step: 'done' },
  })
})

it('an outcome is told once, also what comes late or with a thousand others', async () => {
  const { ledger } = rig.runtime
  const nowMs = Date.now()
  const end = (name: string, many: number, endedAtMs: number) =>
    ledger.db.execute(sql`
      insert into requests (job, outcome, reason, ended_at_ms, epoch, seq)
      select ${name} || n, 'answered', '', ${endedAtMs}::bigint, 1, '0-0' from generate_series(1, ${many}) n`)
  const watch = createWatch(rig.runtime)
  const look = async () => {
    const events = (await watch()).filter(({ event }) => event === 'outcome')
    return events.map(({ data }) => Object(data).job.replace(/\d+$/, ''))
  }
  try {
    await end('before-', 3, nowMs - 100)
    expect(await look()).toEqual([])
    // All at one instant, and more than a page has.
    await end('crowd-', 1_200, nowMs + 1)
    await end('late-', 1, nowMs - 1_500)
    const first = await look()
    expect([first.length, new Set(first)]).toEqual([1_201, new Set(['late-', 'crowd-'])])
    expect(await look()).toEqual([])
    await end('after-', 2, nowMs + 2)
    expect(await look()).toEqual(['after-', 'after-'])
    expect(await look()).toEqual([])
  } finally {
    await ledger.db.execute(sql`delete from requests where seq = '0-0'`)
  }
})

it('a stream that breaks off ends at once for who cannot start over, and nobody pays for another try', async () => {
  const isOurs = ({ text }: { text: string }) => text.includes('breaks off')
  rig.tap.decide = (call) => (isOurs(call) ? { fault: 'cut' } : undefined)
  const response = await fetch(`${rig.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model: 'auto', user: 'u1', stream: true },
      messages: [{ role: 'user', content: 'Tell what breaks off' }],
    }),
  })
  const text = await response.text()
  expect(text).toContain('"code":"provider_outcome_unknown"')
  const job = response.headers.get('x-bursar-job')
  await until(async () => (await rig.ask(`/v1/jobs/${job}`)).body.status === 'ended')
  expect((await rig.ask(`/v1/jobs/${job}`)).body).toMatchObject({ outcome: 'cancelled' })
  expect(rig.tap.calls.filter(isOurs)).toHaveLength(1)
})

it('what a provider says of our key is told to the log alone, without the key', async () => {
  rig.tap.decide = ({ text }) => (text.includes('refused-key') ? { fault: '401' } : undefined)
  await handIn('refused-key')
  const { body } = await rig.ask('/v1/jobs/refused-key?wait=30s')
  expect(body).toMatchObject({
    ...{ status: 'ended', outcome: 'failed' },
    error: {
      code: 'PROVIDER_ERROR',
      retryable: false,
      detail: { status: 401, provider: 'openai' },
    },
  })
  expect(body.error.message).toContain('look at providers.openai')
  const completed = await rig.post('/v1/chat/completions', {
    ...{ model: 'auto', user: 'u1', messages: [{ role: 'user', content: 'refused-key, again' }] },
  })
  expect(completed).toMatchObject({ status: 502, body: { error: { code: 'provider_error' } } })
  for (const told of [body, completed.body]) expect(JSON.stringify(told)).not.toMatch(/sk-|7Qx2/)
  const logged = lines.filter((line) => line.includes('refuses the key that it is called with'))
  expect(JSON.parse(logged[0] ?? '')).toMatchObject({
    ...{ provider: 'openai', status: 401 },
    said: expect.stringContaining('Incorrect API key provided'),
  })
  expect(logged.join()).not.toMatch(/sk-|7Qx2/)
})

it('figures of the process and of its cache are asked for plainly', async () => {
  const { body } = await rig.post('/v1/admin/stats', {})
  expect(body).toMatchObject({
    process: { pid: process.pid },
    queues: [{ queue: 'interactive', parked: 0 }, { queue: 'batch' }],
  })
  expect(body.process.rssBytes).toBeGreaterThan(1e6)
  const metrics = (type: string) => rig.ask(`/v1/admin/cache/metrics?type=${type}`)
  expect((await metrics('summary')).body).toHaveProperty('answers.kept')
  expect((await metrics('report')).body).toHaveProperty('requests')
  expect((await metrics('health')).body).toMatchObject({ ok: expect.any(Boolean) })
  expect((await metrics('other')).status).toBe(400)
})

it('one id leads from the gateway to the worker, and no line holds a prompt, an answer or a key', async () => {
  const { text: secret } = await keys.make({ tenant: 'acme' })
  const headers = {
    ...{ 'content-type': 'application/json', 'x-request-id': 'trace-42' },
    authorization: `Bearer ${secret}`,
  }
  const prompt = 'Tell nobody of the red door'
  const messages = [{ role: 'user', content: prompt }]
  const body = { user: 'u1', model: 'auto', cache: false, messages }
  const { body: answered } = await rig.post('/v1/jobs?wait=30s', body, headers)
  await rig.post('/v1/jobs', { ...body, model: '', prompt }, headers)
  const traced = lines.filter((line) => line.includes('"requestId":"trace-42"'))
  expect(traced.map((line) => JSON.parse(line).msg)).toEqual(
    expect.arrayContaining(['a request ended', 'answered']),
  )
  expect(traced.find((line) => line.includes('a request ended'))).toContain(answered.id)
  const asked = { messages, prompt, last: { content: prompt } }
  rig.runtime.logger.warn({ authorization: `Bearer ${secret}`, body, call: asked }, 'a test')
  rig.runtime.logger.warn({ token: secret, key: { secret }, prompt, content: prompt }, 'a test')
  for (const hidden of [secret, 'red door', '"role":"user"', '"choices"']) {
    expect(lines.filter((line) => line.includes(hidden))).toEqual([])
  }
})

describe('a webhook at the end of a job', () => {
  it('is signed with both secrets, sent again under its id until it is accepted, and on record', async () => {
    const receiver = await startReceiver([503, 500])
    const policy = (await keys.run(policyShow, {})).version
    const yaml = `${POLICY}
alerts:
  channels:
    lms: { webhook: { url: "${receiver.url}", secret: ["\${NEW_SECRET:-new}", "\${OLD_SECRET:-old}"] } }
    theirs: { webhook: { url: "${receiver.url}", secret: "\${OLD_SECRET:-old}" } }
  routes: [{ to: [theirs], tenant: globex }]
`
    await keys.run(policyApply, { yaml, reason: 'a webhook' })
    await until(async () => rig.runtime.rules.current().policy.version > policy)
    for (const webhook of ['nobody', 'theirs', receiver.url]) {
      const refused = await handIn('not-told', { webhook })
      expect([webhook, refused.status, refused.body.error?.code]).toEqual([
        ...[webhook, 400, 'INVALID_REQUEST'],
      ])
    }
    await handIn('told-at-end', { webhook: 'lms' })
    await rig.ask('/v1/jobs/told-at-end?wait=30s')
    await rig.drain()

    let nowMs = Date.now()
    const { ledger } = rig.runtime
    const tell = () =>
      tellJobEnds({ ledger, policy: rig.runtime.rules.current().policy, now: () => nowMs })
    const first = await Promise.all([tell(), tell()])
    expect(first.map(({ failed }) => failed).toSorted()).toEqual([0, 1])
    expect(await tell()).toEqual({ delivered: 0, failed: 0 })
    for (const expected of [
      { delivered: 0, failed: 1 },
      { delivered: 1, failed: 0 },
      { delivered: 0, failed: 0 },
    ]) {
      nowMs += 3_600_000
      expect(await tell()).toEqual(expected)
    }

    const ids = receiver.got.map(({ headers }) => headers['webhook-id'])
    expect([ids.length, new Set(ids).size]).toEqual([3, 1])
    for (const { headers, body } of receiver.got) {
      const signed = {
        id: String(headers['webhook-id']),
        timestamp: String(headers['webhook-timestamp']),
        signatures: String(headers['webhook-signature']),
        body,
      }
      for (const secret of ['new', 'old']) assertSigned(signed, [secret], Date.now())
      expect(() => assertSigned({ ...signed, body: `${body} ` }, ['new'], Date.now())).toThrow()
    }
    expect(JSON.parse(receiver.got[0]?.body ?? '')).toMatchObject({
      type: 'job.ended',
      data: { id: 'told-at-end', outcome: 'answered', url: '/v1/jobs/told-at-end' },
    })
    expect(receiver.got[0]?.body).not.toContain('Tell told-at-end')
    const { webhooks } = await keys.run(webhooksList, {})
    expect(webhooks).toMatchObject([
      {
        ...{ job: 'told-at-end', endpoint: 'lms', state: 'delivered', next: null },
        tries: [{ status: 503 }, { status: 500 }, { status: 200, error: null }],
      },
    ])
    const listed = (...words: string[]) =>
      bursar(['webhooks', 'list', ...words], { BURSAR_URL: rig.url })
    expect(JSON.parse((await listed('--json')).stdout)).toEqual({ webhooks })
    expect((await listed()).stdout).toMatch(
      /told-at-end +lms +delivered +- +3 +200 in \d+ ms +msg_/,
    )
    expect((await listed('--state', 'failed')).stdout).toContain('nobody is to be told')
    receiver.close()
  })
})

/** @param statuses - what it answers first; then 200. */
async function startReceiver(statuses: number[]) {
  const got: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    got.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
    response.writeHead(statuses.shift() ?? 200).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/hook`, got, close: () => server.close() }
}
