import { randomUUID } from 'node:crypto'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { getRequest } from '../../src/ledger/queries/get-request.ts'
import { createKeys } from '../integration/gateway-key-ring.ts'
import { gate, until } from '../integration/queue-rig.ts'
import { ANSWERS, failureOf, REFUSALS } from './openai-cases.ts'
import { type OpenAiRig, startOpenAiRig } from './openai-rig.ts'

let rig: OpenAiRig
beforeAll(async () => {
  rig = await startOpenAiRig()
})
afterAll(() => rig.close())

const model = 'gpt-6-sol'
const ask = (content: string = randomUUID(), more: object = {}) => ({
  model,
  messages: [{ role: 'user' as const, content }],
  ...more,
})

/** By plain HTTP, as a client of another language would. */
async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(rig.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at any JSON
  const json: any = isJson ? JSON.parse(text) : null
  return { status: response.status, headers: response.headers, text, json }
}

const uncached = { 'x-bursar-cache': 'off' }
const GATEWAYS = [
  ['through a worker', 'rich'],
  ['in the gateway', 'here'],
] as const

describe.each(GATEWAYS)('%s, as from the provider itself', (_, user) => {
  const direct = () => new OpenAI({ baseURL: rig.tap.url, apiKey: 'sandbox', maxRetries: 0 })
  const gateway = () => rig.sdk({ defaultHeaders: { ...uncached, 'x-bursar-user': user } })

  it.each([...ANSWERS, ...REFUSALS])('$name', async ({ run }) => {
    expect(await run(gateway(), {})).toEqual(await run(direct(), {}))
  })

  it('who leaves ends the call, and every call was settled', async () => {
    await until(async () => rig.sandbox.stats().inFlight === 0)
  })
})

describe('a refusal is the error that the SDK knows', () => {
  /** Counts what is sent. */
  const counted = (user: string) => {
    let sent = 0
    const send: typeof fetch = (url, init) => {
      sent += 1
      return fetch(url, init)
    }
    const headers = { 'x-bursar-user': user }
    const openai = rig.sdk({ fetch: send, maxRetries: 3, defaultHeaders: headers })
    return { openai, sent: () => sent }
  }

  it.each([true, false])(
    'a budget that is used up is not asked twice (stream: %s)',
    async (stream) => {
      const { openai, sent } = counted('broke')
      const work = openai.chat.completions.create({ ...ask(), stream })
      expect(await failureOf(work)).toEqual({
        ...{ class: 'RateLimitError', status: 429, param: null },
        ...{ code: 'insufficient_quota', type: 'insufficient_quota' },
      })
      expect(sent()).toBe(1)
      const error = await work.catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        error: {
          bursar: {
            ...{
              code: 'BUDGET_EXHAUSTED',
              budget: 'tier.broke/default/broke',
              limitUsd: '0.00',
              usedUsd: '0.00',
            },
            ...{ reason: 'project_spend_limit_exceeded', retryable: false },
            askFor: expect.stringContaining('bursar budget grant'),
          },
        },
      })
    },
  )

  it('a limit that is full for an hour is told at once, with a minute at most to wait', async () => {
    const { openai, sent } = counted('slow')
    await openai.chat.completions.create(ask())
    const error = await openai.chat.completions.create(ask()).catch((thrown: unknown) => thrown)
    expect(sent()).toBe(2)
    expect(error).toBeInstanceOf(OpenAI.RateLimitError)
    expect(error).toMatchObject({ code: 'rate_limit_exceeded', type: 'requests' })
    if (!(error instanceof OpenAI.RateLimitError)) return
    expect(Number(error.headers.get('retry-after'))).toBe(60)
    expect(error.headers.get('x-ratelimit-limit-requests')).toBe('1')
    expect(error.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    expect(error.headers.get('x-ratelimit-reset-requests')).toMatch(/^(1h)?\d+m\d+s$/)
    expect(error.headers.get('ratelimit')).toMatch(/^"tier.slow";r=0;t=\d+$/)
  })

  it('a key that is wrong, and one that is missing', async () => {
    const wrong = rig.sdk({ baseURL: rig.lockedUrl, apiKey: 'sk-proj-of-somebody' })
    const denied = { class: 'AuthenticationError', status: 401, code: 'invalid_api_key' }
    expect(await failureOf(wrong.chat.completions.create(ask()))).toMatchObject(denied)
    expect(await failureOf(wrong.models.list())).toMatchObject(denied)
  })

  it.each([
    ['no JSON', '/chat/completions', '{', 400, 'invalid_request'],
    ['no object', '/chat/completions', '[]', 400, 'invalid_request'],
    ['no model', '/chat/completions', '{"messages":[]}', 400, 'invalid_request'],
    ['no messages', '/chat/completions', { model }, 400, 'invalid_request'],
    [
      'a stream that is none',
      '/chat/completions',
      ask('x', { stream: 'yes' }),
      400,
      'invalid_request',
    ],
    ['too much', '/chat/completions', ask('x'.repeat(2e6)), 400, 'context_length_exceeded'],
    ['an unknown model', '/chat/completions', ask('x', { model: 'gpt-1' }), 404, 'model_not_found'],
    ['no input', '/responses', { model }, 400, 'invalid_request'],
    ['no text', '/embeddings', { model: 'text-embedding-3-small' }, 400, 'invalid_request'],
  ])('%s', async (_, path, body, status, code) => {
    const { json, ...answer } = await post(path, body)
    expect({ status: answer.status, code: json.error.code }).toEqual({ status, code })
    expect(json.error).toMatchObject({ type: 'invalid_request_error', message: expect.any(String) })
    expect(answer.headers.get('x-should-retry')).toBe('false')
    expect(answer.headers.get('x-request-id')).not.toBeNull()
  })
})

describe('who pays', () => {
  it('user and metadata say it, headers come before them, and the rest goes to the provider', async () => {
    const body = ask(randomUUID(), { user: 'u7', metadata: { feature: 'tutor', 'no tag': 'x' } })
    const { headers } = await post('/chat/completions', body, {
      'x-bursar-tenant': 'acme',
      'x-bursar-tags': 'feature=exam, team=maths',
      'x-bursar-run': 'r1',
    })
    await rig.drain()
    const { end } = (await getRequest(rig.runtime.ledger, headers.get('x-bursar-job') ?? '')) ?? {}
    expect(end).toMatchObject({ tenant: 'acme', userId: 'u7' })
    expect(end?.tags).toMatchObject({ feature: 'exam', team: 'maths', 'bursar.run': 'r1' })
    expect(end?.tags).not.toHaveProperty('no tag')
  })

  it('safety_identifier does where no user is named', async () => {
    const { headers } = await post('/chat/completions', ask('x', { safety_identifier: 'hash-9' }))
    await rig.drain()
    const found = await getRequest(rig.runtime.ledger, headers.get('x-bursar-job') ?? '')
    expect(found?.end).toMatchObject({ tenant: 'default', userId: 'hash-9' })
  })

  it.each([
    ['x-bursar-tennant', 'acme'],
    ['x-bursar-tags', 'feature'],
    ['x-bursar-tags', 'a b=c'],
    ['x-bursar-urgency', 'now'],
    ['x-bursar-deadline', 'soon'],
    ['x-bursar-cache', 'maybe'],
    ['x-bursar-tier', 'gold'],
  ])('%s: %s is refused', async (name, value) => {
    const { status, json } = await post('/chat/completions', ask(), { [name]: value })
    expect({ status, type: json.error.type }).toEqual({
      status: 400,
      type: 'invalid_request_error',
    })
  })

  it('a header narrows a key and never widens it', async () => {
    const keys = createKeys(rig.runtime)
    const { text } = await keys.make({
      tenant: 'acme',
      tier: 'basic',
      models: [model, 'gpt-6-luna'],
    })
    const openai = rig.sdk({ baseURL: rig.lockedUrl, apiKey: text })
    const { data } = await openai.models.list()
    expect(data.map(({ id }) => id).toSorted()).toEqual(['gpt-6-luna', model])
    const answer = await openai.chat.completions.create(ask(), {
      headers: { 'x-bursar-user': 'u1' },
    })
    expect(answer.model).toBe(model)
    const denied = { class: 'PermissionDeniedError', status: 403 }
    for (const headers of [{ 'x-bursar-tenant': 'other' }, { 'x-bursar-tier': 'premium' }]) {
      expect(await failureOf(openai.chat.completions.create(ask(), { headers }))).toMatchObject(
        denied,
      )
    }
    const outside = openai.chat.completions.create({ ...ask(), model: 'gpt-6-astra' })
    expect(await failureOf(outside)).toMatchObject({ ...denied, code: 'model_not_found' })
    expect(await failureOf(openai.models.retrieve('gpt-6-astra'))).toMatchObject({ status: 404 })
  })
})

describe('headers of an answer', () => {
  it('say what it cost, where it came from and what is left; the second time it is free', async () => {
    const body = ask(randomUUID())
    const first = await post('/chat/completions', body, { 'x-bursar-user': 'slow-reader' })
    expect(Number(first.headers.get('x-bursar-cost-usd'))).toBeGreaterThan(0)
    expect(first.headers.get('x-bursar-cache')).toBe('miss')
    expect(first.headers.get('x-bursar-model-requested')).toBe(model)
    expect(first.headers.get('x-bursar-model-served')).toBe(model)
    expect(Number(first.headers.get('x-bursar-budget-remaining'))).toBeGreaterThan(0)
    expect(first.headers.get('x-bursar-job')).toMatch(/^\w{26}$/)
    const again = await post('/chat/completions', body, { 'x-bursar-user': 'slow-reader' })
    expect(again.json).toEqual(first.json)
    expect(again.headers.get('x-bursar-cost-usd')).toBe('0.00')
    expect(again.headers.get('x-bursar-cache')).toBe('hit')
  })

  it('a stream tells its cost at the end, where no SDK stumbles over it', async () => {
    const { text, headers } = await post('/chat/completions', ask(randomUUID(), { stream: true }))
    expect(headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(headers.get('x-bursar-model-served')).toBe(model)
    expect(text).toMatch(/\n: x-bursar-cost-usd: 0\.0\d+\n: x-bursar-cache: miss\n/)
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })
})

describe('the cache', () => {
  it('serves a stream what was asked whole, and adds up to the same', async () => {
    const body = ask(randomUUID())
    const openai = rig.sdk()
    const answer = await openai.chat.completions.create(body)
    const options = { stream_options: { include_usage: true } }
    const stream = openai.chat.completions.stream({ ...body, ...options })
    const { choices, usage } = await stream.finalChatCompletion()
    expect(choices[0]?.message.content).toBe(answer.choices[0]?.message.content)
    expect(usage).toEqual(answer.usage)
    const { headers } = await post('/chat/completions', { ...body, stream: true })
    expect(headers.get('x-bursar-cache')).toBe('hit')
  })

  it('serves the events of a response that was asked whole', async () => {
    const body = { model, input: randomUUID() }
    const openai = rig.sdk()
    const answer = await openai.responses.create(body)
    const stream = openai.responses.stream(body)
    const types: string[] = []
    for await (const { type } of stream) types.push(type)
    expect(types.at(0)).toBe('response.created')
    expect(types).toContain('response.output_text.done')
    expect(types.at(-1)).toBe('response.completed')
    expect((await stream.finalResponse()).output_text).toBe(answer.output_text)
  })

  it('serves the calls of tools', async () => {
    const tool = { type: 'function' as const, function: { name: 'look_up', parameters: {} } }
    const body = ask(randomUUID(), { tools: [tool], tool_choice: 'required' })
    const cached = { headers: { 'x-bursar-cache': 'on' } }
    const openai = rig.sdk()
    const answer = await openai.chat.completions.create(body, cached)
    const stream = openai.chat.completions.stream(body, cached)
    const { choices } = await stream.finalChatCompletion()
    const callsOf = (calls: unknown) => JSON.parse(JSON.stringify(calls ?? null))
    expect(callsOf(choices[0]?.message.tool_calls)).toMatchObject(
      callsOf(answer.choices[0]?.message.tool_calls),
    )
  })

  it('tells the usage to who joins a stream that did not ask for it', async () => {
    const hold = gate()
    rig.tap.decide = () => ({ wait: hold.wait })
    const body = ask(randomUUID(), { stream: true })
    const before = rig.tap.calls.length
    const first = post('/chat/completions', body)
    await rig.tap.arrived(before + 1)
    const options = { stream_options: { include_usage: true } }
    const second = post('/chat/completions', { ...body, ...options })
    await until(async () => (await rig.runtime.queues.interactive.getDelayedCount()) > 0)
    hold.open()
    rig.tap.decide = () => undefined
    expect((await first).text).not.toContain('"usage"')
    expect((await second).text).toMatch(/"choices":\[\],.*"usage":\{"prompt_tokens"/)
    expect(rig.tap.calls.length).toBe(before + 1)
  })
})

describe('Idempotency-Key', () => {
  const send = (key: string, body: object) =>
    post('/chat/completions', body, { ...uncached, 'idempotency-key': key })

  it('the same request is one job and one answer; another is refused', async () => {
    const [key, body] = [randomUUID(), ask()]
    const calls = rig.tap.calls.length
    const [one, other] = await Promise.all([send(key, body), send(key, body)])
    expect(one.json).toEqual(other.json)
    expect(one.headers.get('x-bursar-job')).toBe(other.headers.get('x-bursar-job'))
    expect((await send(key, body)).json).toEqual(one.json)
    expect(rig.tap.calls.length).toBe(calls + 1)
    const { status, json } = await send(key, ask())
    expect({ status, code: json.error.code }).toEqual({ status: 409, code: 'idempotency_conflict' })
  })

  it('what ended without an answer is asked anew', async () => {
    const [key, body] = [randomUUID(), ask()]
    rig.tap.decide = () => ({ fault: '500' })
    const failed = await send(key, body)
    rig.tap.decide = () => undefined
    expect(failed.status).toBe(500)
    expect((await send(key, body)).status).toBe(200)
  })

  it('who leaves comes back for the answer', async () => {
    const [key, body] = [randomUUID(), ask()]
    const hold = gate()
    rig.tap.decide = () => ({ wait: hold.wait })
    const calls = rig.tap.calls.length
    const leave = new AbortController()
    const headers = { ...uncached, 'idempotency-key': key }
    const left = rig.sdk().chat.completions.create(body, { signal: leave.signal, headers })
    await rig.tap.arrived(calls + 1)
    leave.abort()
    await expect(left).rejects.toThrow(OpenAI.APIUserAbortError)
    hold.open()
    rig.tap.decide = () => undefined
    expect((await send(key, body)).status).toBe(200)
    expect(rig.tap.calls.length).toBe(calls + 1)
  })
})

describe('in the gateway itself', () => {
  it('a call passes no queue, and stands in the ledger like any other', async () => {
    const { headers } = await post('/chat/completions', ask(), { 'x-bursar-user': 'here' })
    const id = headers.get('x-bursar-job') ?? ''
    expect(await rig.runtime.queues.interactive.getJob(id)).toBeUndefined()
    await rig.drain()
    const found = await getRequest(rig.runtime.ledger, id)
    expect(found?.end).toMatchObject({ outcome: 'answered', tier: 'inline' })
  })

  it('who leaves ends it: the job is cancelled and nothing stays held', async () => {
    const calls = rig.tap.calls.length
    const hold = gate()
    rig.tap.decide = () => ({ wait: hold.wait })
    const leave = new AbortController()
    const headers = { 'x-bursar-user': 'here' }
    const work = rig.sdk().chat.completions.create(ask(), { signal: leave.signal, headers })
    await rig.tap.arrived(calls + 1)
    leave.abort()
    await expect(work).rejects.toThrow(OpenAI.APIUserAbortError)
    const job = rig.tap.calls.at(-1)?.attempt.split('/')[0] ?? ''
    await until(async () => (await rig.runtime.store.result(job)) !== null)
    hold.open()
    rig.tap.decide = () => undefined
    expect(await rig.runtime.store.result(job)).toContain('"outcome":"cancelled"')
  })
})
