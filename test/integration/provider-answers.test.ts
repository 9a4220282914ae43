import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CallOutcome, StreamChunk } from '../../src/provider/types.ts'
import {
  type Bench,
  type BillLine,
  newHold,
  OPERATIONS,
  requestFor,
  startBench,
} from './provider-helpers.ts'

type Answer = Extract<CallOutcome, { seen: 'answer' }>

const answerOf = (outcome: CallOutcome): Answer => {
  if (outcome.seen === 'answer') return outcome
  throw new Error(`ended as ${JSON.stringify(outcome)}`)
}

/** The buckets of the bill under the names of the answer. */
const usageOnBill = (line: BillLine | undefined) =>
  line && {
    inputTokens: line.input,
    cachedInputTokens: line.cached,
    cacheWriteTokens: line.cache_write,
    outputTokens: line.output,
    reasoningTokens: line.reasoning,
  }

const IDS = /(chatcmpl-|resp_|msg_|rs_|call_)\w+/g
const withoutIds = (value: object): object =>
  JSON.parse(
    JSON.stringify(value)
      .replace(IDS, 'id')
      .replace(/"created(_at)?":\d+/g, '"created":0'),
  )

describe('answers', () => {
  let bench: Bench
  beforeAll(async () => {
    bench = await startBench()
  })
  afterAll(() => bench.close())

  const call = async (...args: Parameters<typeof requestFor>) => {
    const hold = newHold()
    const chunks: StreamChunk[] = []
    const options = { onChunk: (chunk: StreamChunk) => void chunks.push(chunk) }
    const outcome = await bench.provider.call(hold, requestFor(...args), options)
    return { hold, chunks, answer: answerOf(outcome), line: bench.billOf(hold) }
  }

  test.each(OPERATIONS)(
    '%s: usage, text, model and tier are those of the bill',
    async (operation) => {
      const { answer, line } = await call(operation, { sandbox_output_tokens: '40' })
      expect(answer.usage).toEqual(usageOnBill(line))
      expect(answer.servedModel).toBe(line?.model)
      expect(answer.serviceTier).toBe('default')
      expect(JSON.parse(answer.json)).toEqual(answer.response)
      expect(answer.json).toBe(JSON.stringify(answer.response))
      expect(answer.providerRequestId).toMatch(/^req_/)
      expect(answer.text === '').toBe(operation === 'embeddings')
    },
  )

  test.each(['chat.completions', 'responses'] as const)(
    '%s: a stream becomes the answer that the same call gives whole',
    async (operation) => {
      const metadata = { sandbox_output_tokens: '120' }
      const whole = await call(operation, metadata)
      const streamed = await call(operation, metadata, { stream: true })
      expect(withoutIds(whole.answer.response)).toMatchObject(withoutIds(streamed.answer.response))
      expect(streamed.answer.text).toBe(whole.answer.text)
      expect(streamed.answer.usage).toEqual(whole.answer.usage)
      expect(streamed.answer.usage).toEqual(usageOnBill(streamed.line))
      expect(streamed.chunks.map((chunk) => chunk.text).join('')).toBe(whole.answer.text)
      expect(streamed.chunks.length).toBeGreaterThan(5)
    },
  )

  test('tools and refusals come through, whole or streamed', async () => {
    const tools = [{ type: 'function', function: { name: 'look_up', parameters: {} } }]
    for (const stream of [false, true]) {
      const body = { messages: [{ role: 'user', content: 'x' }], tools, tool_choice: 'required' }
      const { answer } = await call('chat.completions', {}, { stream, body })
      expect(answer.response).toMatchObject({
        choices: [
          {
            finish_reason: 'tool_calls',
            message: {
              content: null,
              tool_calls: [{ type: 'function', function: { name: 'look_up' } }],
            },
          },
        ],
      })
      const refused = await call('chat.completions', { sandbox_answer: 'refusal' }, { stream })
      expect(refused.answer.text).toBe('')
      expect(refused.answer.response).toMatchObject({
        choices: [{ message: { content: null, refusal: expect.stringMatching(/^The/) } }],
      })
    }
  })

  test('several choices are several times the output, and one bill', async () => {
    const body = { messages: [{ role: 'user', content: 'x' }], n: 3 }
    for (const stream of [false, true]) {
      const { answer, line } = await call('chat.completions', {}, { body, stream })
      expect(answer.response.choices).toHaveLength(3)
      expect(answer.usage).toEqual(usageOnBill(line))
    }
  })

  test('the usage chunk is kept from a caller that did not ask for it', async () => {
    const ask = { stream_options: { include_usage: true } }
    const body = { messages: [{ role: 'user', content: 'x' }] }
    const usageChunks = ({ chunks }: { chunks: StreamChunk[] }) =>
      chunks.filter((chunk) => JSON.stringify(chunk.data.choices) === '[]').length
    const request = { stream: true, body }
    expect(usageChunks(await call('chat.completions', {}, request))).toBe(0)
    const asking = { stream: true, body: { ...body, ...ask } }
    expect(usageChunks(await call('chat.completions', {}, asking))).toBe(1)
  })

  test('cap, effort and tier arrive at the provider and on its bill', async () => {
    const more = { outputCapTokens: 17, serviceTier: 'flex', reasoningEffort: 'none' } as const
    const body = {
      messages: [{ role: 'user', content: 'x' }],
      max_tokens: 5_000,
      service_tier: 'auto',
    }
    const { answer, line } = await call('chat.completions', {}, { ...more, body })
    expect(answer.usage).toMatchObject({ outputTokens: 17, reasoningTokens: 0 })
    expect(answer.serviceTier).toBe('flex')
    expect(line).toMatchObject({
      service_tier: 'flex',
      nano: line && line.input * 1_000 + 17 * 5_000,
    })
    const responses = await call('responses', {}, more)
    expect(responses.answer.usage).toMatchObject({ outputTokens: 17, reasoningTokens: 0 })
    expect(responses.line?.service_tier).toBe('flex')
  })

  test('vectors are numbers unless the caller wants base64, and both are the same', async () => {
    const vectors = async (body: object) => {
      const { answer } = await call('embeddings', {}, { body: { input: ['a b', 'c'], ...body } })
      return (answer.response.data as { embedding: unknown }[]).map((item) => item.embedding)
    }
    const plain = await vectors({})
    const floats = await vectors({ encoding_format: 'float' })
    const encoded = await vectors({ encoding_format: 'base64' })
    expect(plain).toEqual(floats)
    expect(plain[0]).toHaveLength(1_536)
    const bytes = Buffer.from(String(encoded[0]), 'base64')
    expect(Array.from(new Float32Array(new Uint8Array(bytes).buffer))).toEqual(plain[0])
    expect((await vectors({ dimensions: 8 }))[0]).toHaveLength(8)
  })

  test('an answer equals what the plain SDK gets', async () => {
    const sdk = new OpenAI({ apiKey: 'x', baseURL: bench.sandbox.url, maxRetries: 0 })
    const request = requestFor('chat.completions', { sandbox_output_tokens: '30' })
    const theirs = await sdk.chat.completions.create({
      model: 'gpt-6-sol',
      messages: [{ role: 'user', content: 'Explain recursion' }],
      metadata: { sandbox_output_tokens: '30' },
      max_completion_tokens: 400,
      reasoning_effort: 'low',
    })
    const ours = answerOf(await bench.provider.call(newHold(), request))
    expect(withoutIds(ours.response)).toEqual(withoutIds(theirs))
  })
})
