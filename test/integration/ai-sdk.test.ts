import { APICallError } from '@ai-sdk/provider'
import { embedMany, generateText, Output, stepCountIs, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { streamParts } from '../../src/client/ai-sdk/chat-stream.ts'
import { type BursarProvider, createBursar, receiptIn } from '../../src/client/ai-sdk/index.ts'
import type { StreamPart } from '../../src/queue/streams/log-entry.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { POLICY } from './queue-rig.ts'

const RULES = POLICY.replace(
  'tiers:\n',
  `tiers:
  broke: { budget: { usd: "0", per: hour }, ladder: standard, on_exhausted: refuse }
  slow: { requests: { limit: 1, per: hour }, budget: { usd: "5", per: hour }, ladder: standard }
`,
).replace(
  'per: hour }, ladder: standard, on_exhausted: park }\nbudgets',
  'per: hour }, ladder: standard, models: [text-embedding-3-small] }\nbudgets',
)

let rig: GatewayRig
let bursar: BursarProvider
beforeAll(async () => {
  rig = await startGatewayRig({ policy: RULES })
  bursar = createBursar({ url: rig.url, user: 'rich', cache: false })
})
afterAll(async () => {
  await bursar.close()
  await rig.close()
})

const steer = (metadata: Record<string, string>) => ({ bursar: { metadata } })

test('generateText answers, with usage and a receipt', async () => {
  const { text, usage, finishReason, providerMetadata, response } = await generateText({
    model: bursar('auto'),
    system: 'You are short.',
    prompt: 'Explain recursion',
  })
  const receipt = receiptIn(providerMetadata)
  expect(text).toMatch(/\w/)
  expect(finishReason).toBe('stop')
  expect(receipt).toMatchObject({ modelRequested: 'auto', cache: 'off' })
  expect(receipt?.costNano).toBeGreaterThan(0)
  expect(usage).toMatchObject({
    inputTokens: receipt?.usage?.inputTokens,
    // The receipt counts what was thought apart.
    outputTokens: (receipt?.usage?.outputTokens ?? 0) + (receipt?.usage?.reasoningTokens ?? 0),
  })
  expect(response.modelId).toContain(receipt?.modelServed)
})

test('streamText tells the same answer piece by piece, and its receipt at the end', async () => {
  const asked = { model: bursar('auto'), prompt: 'Tell a story about the sea' }
  const whole = await generateText(asked)
  const streamed = streamText(asked)
  const pieces: string[] = []
  for await (const piece of streamed.textStream) pieces.push(piece)
  expect(pieces.length).toBeGreaterThan(1)
  expect(pieces.join('')).toBe(whole.text)
  const metadata = await streamed.providerMetadata
  expect(receiptIn(metadata)?.costNano).toBe(receiptIn(whole.providerMetadata)?.costNano)
  expect((await streamed.usage).outputTokens).toBe(whole.usage.outputTokens)
})

describe('tools', () => {
  const weather = tool({
    description: 'The weather of a place',
    inputSchema: z.looseObject({}),
    execute: async () => ({ degrees: 21 }),
  })
  const asked = {
    tools: { weather },
    prompt: 'How is the weather in Rome?',
    stopWhen: stepCountIs(2),
    providerOptions: steer({ sandbox_answer: 'tool' }),
  }

  test('are called, and what they say is sent along', async () => {
    const { steps } = await generateText({ ...asked, model: bursar('auto') })
    expect(steps).toHaveLength(2)
    expect(steps[0]?.finishReason).toBe('tool-calls')
    expect(steps[0]?.toolCalls).toMatchObject([{ toolName: 'weather' }])
    expect(steps[0]?.toolResults).toMatchObject([{ output: { degrees: 21 } }])
  })

  test('stream their input before they are called', async () => {
    const streamed = streamText({ ...asked, model: bursar('auto'), stopWhen: stepCountIs(1) })
    const kinds: string[] = []
    for await (const { type } of streamed.fullStream) if (kinds.at(-1) !== type) kinds.push(type)
    const told = kinds.filter((type) => type.startsWith('tool'))
    expect(told).toEqual([
      ...['tool-input-start', 'tool-input-delta', 'tool-input-end', 'tool-call', 'tool-result'],
    ])
  })
})

test('structured output comes in the shape that was asked for', async () => {
  const schema = z.object({ title: z.string(), minutes: z.number() })
  const { output } = await generateText({
    model: bursar('auto'),
    output: Output.object({ schema }),
    prompt: 'Plan a lesson',
  })
  expect(schema.safeParse(output).success).toBe(true)
})

test('texts become vectors', async () => {
  const { embeddings, usage } = await embedMany({
    model: bursar.embeddingModel('text-embedding-3-small', { pinned: true }),
    values: ['one', 'two'],
  })
  expect(embeddings).toHaveLength(2)
  expect(embeddings[0]?.length).toBeGreaterThan(100)
  expect(usage.tokens).toBeGreaterThan(0)
})

describe('errors', () => {
  const failing = async (model: ReturnType<BursarProvider>, maxRetries = 2) => {
    const before = rig.sandbox.stats().requests
    const error = await generateText({ model, prompt: 'Hello', maxRetries }).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    return { error, calls: rig.sandbox.stats().requests - before }
  }

  test('a budget that is used up is a 429 that is not tried again', async () => {
    const { error, calls } = await failing(bursar('auto', { tier: 'broke', user: 'poor' }))
    if (!APICallError.isInstance(error)) throw error
    expect(error).toMatchObject({ statusCode: 429, isRetryable: false })
    expect(error.data).toMatchObject({ error: { code: 'BUDGET_EXHAUSTED' } })
    expect(calls).toBe(0)
  })

  test('a limit is a 429 that may be tried again, after as long as it says', async () => {
    const model = bursar('auto', { tier: 'slow', user: 'hasty' })
    await generateText({ model, prompt: 'Hello' })
    const { error } = await failing(model, 0)
    if (!APICallError.isInstance(error)) throw error
    expect(error).toMatchObject({ statusCode: 429, isRetryable: true })
    expect(Number(error.responseHeaders?.['retry-after-ms'])).toBeGreaterThan(1_000)
  })

  test.each([
    ['a model that nobody has', 'no-such-model', 404],
    ['a request that is none', 'auto', 400],
  ])('%s is told once', async (_, model, statusCode) => {
    const { error, calls } = await failing(bursar(model, model === 'auto' ? { user: '' } : {}))
    expect(error).toMatchObject({ statusCode, isRetryable: false })
    expect(calls).toBe(0)
  })

  test('a stream that is refused tells it as an error, too', async () => {
    const errors: unknown[] = []
    const { textStream } = streamText({
      model: bursar('auto', { tier: 'broke', user: 'poor' }),
      prompt: 'Hello',
      onError: ({ error }) => void errors.push(error),
    })
    for await (const _ of textStream) throw new Error('something was told')
    expect(errors).toMatchObject([{ statusCode: 429, isRetryable: false }])
  })

  test('what is aborted is cancelled', async () => {
    const own = new AbortController()
    const { textStream } = streamText({
      model: bursar('auto'),
      prompt: 'A long story',
      abortSignal: own.signal,
      providerOptions: steer({ sandbox_output_tokens: '2000', sandbox_chunk_delay_ms: '20' }),
    })
    let pieces = 0
    for await (const _ of textStream) {
      pieces += 1
      own.abort()
    }
    expect(pieces).toBeLessThan(5)
  })
})

describe('an answer that starts over', () => {
  const part = (text: string): StreamPart => ({ text, data: null, restart: false })
  const again: StreamPart = { text: '', data: null, restart: true }
  const told = async (parts: readonly StreamPart[], text: string): Promise<string[]> => {
    const stream = {
      jobId: Promise.resolve('j'),
      final: Promise.resolve({ text, response: {}, receipt: {} as never }),
      async *[Symbol.asyncIterator]() {
        yield* parts
      },
    }
    const deltas: string[] = []
    for await (const one of streamParts(stream))
      if (one.type === 'text-delta') deltas.push(one.delta)
    return deltas
  }

  test('goes on where it was cut, when it says the same', async () => {
    const parts = [part('one '), part('two '), again, part('one'), part(' two three')]
    expect(await told(parts, 'one two three four')).toEqual(['one ', 'two ', 'three', ' four'])
  })

  test('fails when it says something else: what was told stands', async () => {
    const parts = [part('one '), again, part('uno ')]
    await expect(told(parts, 'uno due')).rejects.toMatchObject({ code: 'PROVIDER_OUTCOME_UNKNOWN' })
    await expect(told([part('one two')], 'one')).rejects.toThrow(/something else/)
  })
})
