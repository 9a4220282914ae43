import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { priceNano } from '../../sandbox/prices.ts'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/server.ts'
import { compiled } from '../helpers/compiled.ts'
import { readBill } from './provider-helpers.ts'

const folder = mkdtempSync(join(tmpdir(), 'bursar-sandbox-'))
let files = 0
const newFile = () => join(folder, `bill-${files++}.jsonl`)

const open: Sandbox[] = []
async function start(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ seed: 7, ...options })
  open.push(sandbox)
  return sandbox
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()))
})
afterAll(() => rmSync(folder, { recursive: true }))

const QUESTION = { model: 'gpt-6-sol', messages: [{ role: 'user', content: 'Explain recursion' }] }

/** Posts as any client would. */
async function post(
  url: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
) {
  const res = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: 'Bearer x', 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await res.text()
  return { status: res.status, headers: res.headers, text, json: parse(text) }
}

const parse = (text: string) => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const ask = (sandbox: Sandbox, more: object = {}, headers = {}) =>
  post(sandbox.url, '/chat/completions', { ...QUESTION, ...more }, headers)

describe('answers', () => {
  test('are a function of seed and body, in whatever order it was written', async () => {
    const [one, two, other] = [await start(), await start(), await start({ seed: 8 })]
    const mirrored = {
      messages: [{ content: 'Explain recursion', role: 'user' }],
      model: 'gpt-6-sol',
    }
    const first = (await ask(one)).json
    expect((await ask(two)).json.choices).toEqual(first.choices)
    expect((await post(one.url, '/chat/completions', mirrored)).json.usage).toEqual(first.usage)
    expect((await ask(other)).json.choices).not.toEqual(first.choices)
    const differently = { messages: [{ role: 'user', content: 'Explain it' }] }
    expect((await ask(one, differently)).json.choices).not.toEqual(first.choices)
  })

  test('have exactly the tokens that are billed', async () => {
    const sandbox = await start()
    for (const tokens of [1, 2, 5, 6, 100, 20_000]) {
      const metadata = { sandbox_output_tokens: String(tokens) }
      const { json } = await ask(sandbox, { metadata, reasoning_effort: 'none' })
      expect(json.usage.completion_tokens).toBe(tokens)
      expect(countTokens(json.choices[0].message.content)).toBe(tokens)
    }
  })

  test('never pass the cap, thinking included', async () => {
    const sandbox = await start()
    for (const effort of ['none', 'low', 'xhigh'])
      for (const cap of [1, 64, 300]) {
        const more = { reasoning_effort: effort, max_completion_tokens: cap }
        const { json } = await ask(sandbox, { ...more, metadata: { sandbox_output_tokens: '900' } })
        expect(json.usage.completion_tokens).toBe(cap)
        expect(json.choices[0].finish_reason).toBe('length')
      }
  })

  test('input is counted from the text: special tokens are text, and a long run is no trap', async () => {
    const sandbox = await start()
    const inputOf = async (content: string) =>
      (await ask(sandbox, { messages: [{ role: 'user', content }] })).json.usage.prompt_tokens
    expect(await inputOf('hello world')).toBe(2 + 3 + 1 + 3)
    expect(await inputOf('<|endoftext|>')).toBe(7 + 7)
    const startedAt = performance.now()
    expect(await inputOf('a'.repeat(400_000))).toBeGreaterThan(40_000)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })

  test('only long prompts are cached, in blocks of 128, and no token is counted twice', async () => {
    const file = newFile()
    const sandbox = await start({ bill: file })
    for (let i = 0; i < 30; i++) {
      const content = `${i} ${'long prompts repeat themselves '.repeat(i < 5 ? 50 : 400)}`
      const { json } = await ask(sandbox, { messages: [{ role: 'user', content }] })
      const line = readBill(file).at(-1)
      if (!line) throw new Error('no bill')
      expect(line.input + line.cached + line.cache_write).toBe(json.usage.prompt_tokens)
      expect([line.cached % 128, line.cache_write % 128]).toEqual([0, 0])
      if (json.usage.prompt_tokens < 1_024) expect(line.cached + line.cache_write).toBe(0)
    }
    const lines = readBill(file)
    expect(
      lines.some((line) => line.cached > 0) && lines.some((line) => line.cache_write > 0),
    ).toBe(true)
  })
})

describe('the bill', () => {
  const PRICES: [model: string, tier: string, input: number, output: number, nano: number][] = [
    ['gpt-6-astra', 'default', 100, 10, 100 * 10_000 + 10 * 50_000],
    ['gpt-6-sol', 'default', 100, 10, 100 * 2_000 + 10 * 10_000],
    ['gpt-6-sol', 'flex', 100, 10, 100 * 1_000 + 10 * 5_000],
    ['gpt-6-sol', 'priority', 100, 10, 100 * 4_000 + 10 * 20_000],
    ['gpt-6-luna', 'default', 101, 11, 101 * 100 + 11 * 500],
    ['gpt-6-luna', 'flex', 101, 11, 101 * 50 + 11 * 250],
    ['gpt-6-sol', 'default', 272_000, 1, 272_000 * 2_000 + 10_000],
    ['gpt-6-sol', 'default', 272_001, 1, 272_001 * 4_000 + 15_000],
    ['gpt-6-astra', 'default', 271_999, 1, 271_999 * 10_000 + 50_000],
    ['gpt-6-astra', 'default', 272_000, 1, 272_000 * 20_000 + 75_000],
    ['small', 'default', 100, 10, 0],
  ]

  test.each(PRICES)(
    '%s, %s: %i in and %i out is %i nano-USD',
    async (model, tier, input, output, nano) => {
      const file = newFile()
      // Short enough for no cache, or of a seed that draws none: found below by the bill itself.
      for (let seed = 1; seed < 60; seed++) {
        const sandbox = await start({ seed, bill: file })
        const content = 'a'.concat(' a'.repeat(input - 1 - 7))
        const more = { model, service_tier: tier, reasoning_effort: 'none' }
        const metadata = { sandbox_output_tokens: String(output) }
        await ask(
          sandbox,
          { ...more, metadata, messages: [{ role: 'user', content }] },
          { 'x-bursar-attempt': 'a1' },
        )
        const line = readBill(file).at(-1)
        if (line && line.cached + line.cache_write > 0) continue
        expect(line).toMatchObject({
          model,
          service_tier: tier,
          input,
          output,
          nano,
          attempt: 'a1',
        })
        return
      }
      throw new Error('every seed drew a cache')
    },
  )

  test('is rounded half up, once', () => {
    const usd = { input: 0.0005, cached: 0.0004, cacheWrite: 0, output: 0 }
    const model = { kind: 'chat', reasons: false, dimensions: 0, usd, longFrom: 1e9 } as const
    const nano = (input: number, cached: number) =>
      priceNano(model, { input, cached, cacheWrite: 0, output: 0, reasoning: 0 }, 'default')
    expect([nano(1, 0), nano(0, 1), nano(1, 1), nano(2, 1), nano(3, 0)]).toEqual([1, 0, 1, 1, 2])
  })

  test('embeddings cost their input', async () => {
    const file = newFile()
    const sandbox = await start({ bill: file })
    for (const model of ['text-embedding-3-small', 'text-embedding-3-large'])
      await post(sandbox.url, '/embeddings', { model, input: ['a a a', [1, 2, 3, 4]].slice(0, 1) })
    expect(readBill(file).map((line) => [line.input, line.nano])).toEqual([
      [3, 60],
      [3, 390],
    ])
  })

  test('stands before the answer, and a killed sandbox forgets none of it', async () => {
    const file = newFile()
    const program = await compiled(new URL('../../sandbox/main.ts', import.meta.url))
    const args = [program, '--bill', file, '--seed', '7']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(createInterface(child.stdout), 'line')
    const { url } = JSON.parse(String(line))
    const answered: string[] = []
    const exit = once(child, 'exit')
    const lane = async (): Promise<void> => {
      const { json } = await post(url, '/chat/completions', QUESTION)
      answered.push(json.id)
      if (answered.length === 60) child.kill('SIGKILL')
      return lane()
    }
    await Promise.allSettled([lane(), lane(), lane(), lane()])
    await exit
    const billed = readBill(file).map((one) => one.id)
    expect(answered.length).toBeGreaterThanOrEqual(60)
    expect(billed).toEqual(expect.arrayContaining(answered))
    expect(new Set(billed).size).toBe(billed.length)
  })

  test('goes on where an earlier run ended, and names the line it cannot read', async () => {
    const file = newFile()
    const first = await start({ bill: file })
    await ask(first)
    const { billedNano } = first.stats()
    await first.close()
    const second = await start({ bill: file })
    expect(second.stats()).toMatchObject({ billed: 1, billedNano })
    const torn = newFile()
    writeFileSync(torn, '{"nano":1')
    await expect(startSandbox({ seed: 1, bill: torn })).rejects.toThrow(/line 1 is no JSON/)
  })
})

describe('faults', () => {
  const sequence = async (seed: number) => {
    const sandbox = await start({ seed, faults: '429:0.2,500:0.2' })
    const statuses: number[] = []
    for (let i = 0; i < 40; i++) statuses.push((await ask(sandbox)).status)
    return statuses
  }

  test('are drawn in the same order for the same seed', async () => {
    const once = await sequence(3)
    expect(await sequence(3)).toEqual(once)
    expect(await sequence(4)).not.toEqual(once)
    expect(new Set(once)).toEqual(new Set([200, 429, 500]))
  })

  test('a header asks for one, and wins over the draw', async () => {
    const sandbox = await start({ faults: '500:1' })
    const headers = { 'x-sandbox-fault': '429-retry-after' }
    const { status, headers: got } = await ask(sandbox, {}, headers)
    expect([status, got.get('retry-after-ms'), got.get('retry-after')]).toEqual([429, '50', '1'])
    expect(sandbox.stats()).toMatchObject({
      requests: 1,
      billed: 0,
      faults: { '429-retry-after': 1 },
    })
  })

  test.each([
    ['fire:0.1', /unknown fault "fire": use one of 401, 429/],
    ['429:1.5', /needs a probability/],
    ['429', /needs a probability/],
    ['429:0.6,500:0.6', /more than 1/],
  ])('%s is a clear error', async (faults, message) => {
    await expect(startSandbox({ seed: 1, faults })).rejects.toThrow(message)
  })

  test('an unknown one in a header is a 400 that names the known ones', async () => {
    const sandbox = await start()
    const { status, json } = await ask(sandbox, {}, { 'x-sandbox-fault': 'fire' })
    expect([status, json.error.message]).toEqual([
      400,
      expect.stringMatching(/use one of 401, 429/),
    ])
  })
})

describe('errors in OpenAI’s shape', () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await startSandbox({ seed: 1 })
  })
  afterAll(() => sandbox.close())

  test.each([
    ['no key', '/chat/completions', QUESTION, { authorization: '' }, 401, 'invalid_api_key'],
    ['no JSON', '/chat/completions', '{', {}, 400, null],
    [
      'an unknown model',
      '/chat/completions',
      { ...QUESTION, model: 'x' },
      {},
      404,
      'model_not_found',
    ],
    [
      'no messages',
      '/chat/completions',
      { model: 'small', messages: [] },
      {},
      400,
      'invalid_value',
    ],
    [
      'two caps',
      '/chat/completions',
      { ...QUESTION, max_tokens: 1, max_completion_tokens: 1 },
      {},
      400,
      'invalid_parameter_combination',
    ],
    [
      'stream options without a stream',
      '/chat/completions',
      { ...QUESTION, stream_options: {} },
      {},
      400,
      null,
    ],
    [
      'an empty text',
      '/embeddings',
      { model: 'text-embedding-3-small', input: '' },
      {},
      400,
      'invalid_value',
    ],
    [
      'a memory it lacks',
      '/responses',
      { model: 'small', input: 'x', previous_response_id: 'r' },
      {},
      400,
      'previous_response_not_found',
    ],
    ['an unknown path', '/chat', {}, {}, 404, null],
  ])('%s', async (_name, path, body, headers, status, code) => {
    const got = await post(sandbox.url, path, body, { ...headers })
    expect([got.status, got.json.error.code]).toEqual([status, code])
    expect(got.json.error).toMatchObject({
      message: expect.any(String),
      type: 'invalid_request_error',
    })
    expect(got.headers.get('x-request-id')).toMatch(/^req_/)
    expect(sandbox.stats().billed).toBe(0)
  })
})
