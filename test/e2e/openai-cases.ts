import type OpenAI from 'openai'
import { APIError } from 'openai'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'

/** What an app does with the SDK, and what of it must not depend on who answers. */
export interface Case {
  readonly name: string
  run(openai: OpenAI, more: object): Promise<unknown>
}

const model = 'gpt-6-sol'
/** Where the caller names none, Bursar does, and a response repeats it. */
const cap = 2_048
const embedder = 'text-embedding-3-small'
const messages = [
  { role: 'system' as const, content: 'You are a patient tutor.' },
  { role: 'user' as const, content: 'Explain recursion' },
]
const tools = [
  {
    type: 'function' as const,
    function: {
      name: 'look_up',
      description: 'Looks a word up',
      parameters: { type: 'object', properties: { word: { type: 'string' } } },
    },
  },
]
const schema = {
  type: 'object',
  properties: { title: { type: 'string' }, steps: { type: 'array', items: { type: 'string' } } },
  required: ['title', 'steps'],
  additionalProperties: false,
}
const format = { name: 'lesson', strict: true, schema }

/** The shape of a value: names and types, of lists the first element. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf)
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, one]) => [name, shapeOf(one)]),
  )
}

/** How a call failed, as an app sees it. */
export async function failureOf(work: Promise<unknown>): Promise<object> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof APIError)) return { class: String(error) }
  const { status, code, type, param } = error
  return { class: error.constructor.name, status, code, type, param }
}

async function listOf<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}

const contentOf = (chunks: readonly ChatCompletionChunk[]): string =>
  chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')

/** Metadata steers the sandbox: see sandbox/server.ts. */
const steered = (steer: Record<string, string>) => ({ metadata: steer })

export const ANSWERS: readonly Case[] = [
  {
    name: 'a chat',
    async run(openai, more) {
      const answer = await openai.chat.completions.create({ model, messages, ...more })
      return [answer.choices[0]?.message.role, answer.choices[0]?.finish_reason, shapeOf(answer)]
    },
  },
  {
    name: 'a chat of two choices, with fields that nobody knows',
    async run(openai, more) {
      const odd = { n: 2, some_new_field: { deep: [1, 'two', null] }, ...more }
      const answer = await openai.chat.completions.create({ model, messages, ...odd })
      return answer.choices.map(({ index, finish_reason: end }) => [index, end])
    },
  },
  {
    name: 'a chat that streams, without usage',
    async run(openai, more) {
      const asked = { model, messages, stream: true as const, ...more }
      const chunks = await listOf(await openai.chat.completions.create(asked))
      const ends = chunks.map(({ choices }) => choices[0]?.finish_reason).filter(Boolean)
      return [
        ends,
        contentOf(chunks) !== '',
        [...new Set(chunks.map((c) => JSON.stringify(shapeOf(c))))],
      ]
    },
  },
  {
    name: 'a chat that streams, with usage',
    async run(openai, more) {
      const options = { stream: true as const, stream_options: { include_usage: true } }
      const asked = { model, messages, ...options, ...more }
      const chunks = await listOf(await openai.chat.completions.create(asked))
      const last = chunks.at(-1)
      const before = new Set(chunks.slice(0, -1).map(({ usage }) => usage))
      return [last?.choices, shapeOf(last?.usage), [...before]]
    },
  },
  {
    name: 'a tool that is called',
    async run(openai, more) {
      const asked = { model, messages, tools, tool_choice: 'required' as const, ...more }
      const { choices } = await openai.chat.completions.create(asked)
      return [choices[0]?.finish_reason, shapeOf(choices[0]?.message)]
    },
  },
  {
    name: 'a tool that is called in a stream, put together by the SDK',
    async run(openai, more) {
      const asked = { model, messages, tools, tool_choice: 'required' as const, ...more }
      const { choices } = await openai.chat.completions.stream(asked).finalChatCompletion()
      return [choices[0]?.finish_reason, shapeOf(choices[0]?.message.tool_calls)]
    },
  },
  {
    name: 'a refusal',
    async run(openai, more) {
      const asked = { model, messages, ...steered({ sandbox_answer: 'refusal' }), ...more }
      const { choices } = await openai.chat.completions.create(asked)
      return shapeOf(choices[0]?.message)
    },
  },
  {
    name: 'JSON that follows a schema',
    async run(openai, more) {
      const response_format = { type: 'json_schema' as const, json_schema: format }
      const asked = { model, messages, response_format, ...more }
      const { choices } = await openai.chat.completions.create(asked)
      return shapeOf(JSON.parse(choices[0]?.message.content ?? ''))
    },
  },
  {
    name: 'JSON that follows a schema, streamed',
    async run(openai, more) {
      const response_format = { type: 'json_schema' as const, json_schema: format }
      const asked = { model, messages, response_format, ...more }
      const text = await openai.chat.completions.stream(asked).finalContent()
      return shapeOf(JSON.parse(text ?? ''))
    },
  },
  {
    name: 'a response',
    async run(openai, more) {
      const answer = await openai.responses.create({
        ...{ model, input: 'Explain recursion', max_output_tokens: cap, ...more },
      })
      return [answer.status, answer.output_text !== '', shapeOf(answer)]
    },
  },
  {
    name: 'a response that streams, event by event',
    async run(openai, more) {
      const asked = {
        model,
        input: 'Explain recursion',
        max_output_tokens: cap,
        stream: true as const,
        ...more,
      }
      const events = await listOf(await openai.responses.create(asked))
      const numbers = events.map(({ sequence_number: number }) => number)
      const shapes = new Map(events.map((event) => [event.type, shapeOf(event)]))
      return [numbers.every((number, at) => number === at), [...shapes]]
    },
  },
  {
    name: 'a response as JSON of a schema, put together by the SDK',
    async run(openai, more) {
      const text = { format: { type: 'json_schema' as const, ...format } }
      const asked = { model, input: 'Explain recursion', text, ...more }
      const answer = await openai.responses.stream(asked).finalResponse()
      return [answer.status, shapeOf(JSON.parse(answer.output_text))]
    },
  },
  {
    name: 'embeddings as the SDK asks for them',
    async run(openai, more) {
      const input = ['recursion', 'iteration']
      const { data, ...rest } = await openai.embeddings.create({ model: embedder, input, ...more })
      return [data.map(({ index, embedding }) => [index, embedding.length]), shapeOf(rest)]
    },
  },
  {
    name: 'embeddings as numbers, and as base64',
    async run(openai, more) {
      const asked = { model: embedder, input: 'recursion', dimensions: 64, ...more }
      const floats = await openai.embeddings.create({ ...asked, encoding_format: 'float' })
      const encoded = await openai.embeddings.create({ ...asked, encoding_format: 'base64' })
      return [floats.data[0]?.embedding, encoded.data[0]?.embedding]
    },
  },
  {
    name: 'a model by its name',
    async run(openai) {
      const { id, object } = await openai.models.retrieve(model)
      return { id, object }
    },
  },
]

const faulty = (sandbox_fault: string, name = model) => ({
  model: name,
  messages,
  ...steered({ sandbox_fault }),
})

export const REFUSALS: readonly Case[] = [
  {
    name: 'a model that nobody has',
    run: (openai, more) =>
      failureOf(openai.chat.completions.create({ model: 'gpt-1', messages, ...more })),
  },
  {
    name: 'a model that is asked for and nobody has',
    run: (openai) => failureOf(openai.models.retrieve('gpt-1')),
  },
  {
    name: 'what the provider does not take, in its own words',
    run: (openai, more) =>
      failureOf(
        openai.embeddings.create({ model: embedder, input: 'x', dimensions: 9_999, ...more }),
      ),
  },
  {
    name: 'a provider that breaks',
    run: (openai, more) => failureOf(openai.chat.completions.create({ ...faulty('500'), ...more })),
  },
  {
    name: 'a provider that breaks before a stream begins',
    run: (openai, more) =>
      failureOf(openai.chat.completions.create({ ...faulty('500'), stream: true, ...more })),
  },
  {
    name: "the provider's own bill",
    run: (openai, more) =>
      failureOf(openai.chat.completions.create({ ...faulty('429-quota'), ...more })),
  },
  {
    name: 'a stream that breaks off with an error',
    async run(openai, more) {
      const seen: unknown[] = []
      const asked = { ...faulty('late-error'), stream: true as const, ...more }
      const work = openai.chat.completions.create(asked).then(async (stream) => {
        for await (const chunk of stream) seen.push(chunk)
      })
      const failed: object = await failureOf(work)
      return [seen.length > 0, 'class' in failed && failed.class]
    },
  },
  {
    name: 'a caller that leaves',
    async run(openai, more) {
      const leave = new AbortController()
      const asked = { model, messages, ...steered({ sandbox_chunk_delay_ms: '20' }), ...more }
      const stream = await openai.chat.completions.create(
        { ...asked, stream: true },
        { signal: leave.signal },
      )
      let seen = 0
      for await (const _ of stream) {
        seen += 1
        if (seen === 3) leave.abort()
      }
      return seen
    },
  },
]
