import { z } from 'zod'
import type { Json } from './answer.ts'
import { mergeDelta, writtenIn } from './merge-delta.ts'
import type { StreamReader } from './stream-reader.ts'

const Fields = z.record(z.string(), z.unknown())

// Lenient on purpose: a field that a server writes in its own way must not cost the rest of the answer.
const Chunk = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        index: z.int().default(0),
        delta: Fields.nullish().catch(null),
        finish_reason: z.string().nullish().catch(null),
        logprobs: Fields.nullish().catch(null),
      }),
    )
    .nullish()
    .transform((choices) => choices ?? []),
})
type ChunkChoice = z.infer<typeof Chunk>['choices'][number]

interface Choice {
  readonly index: number
  readonly message: Record<string, unknown>
  logprobs: Record<string, unknown> | null
  finish_reason: string | null
}

/** Random padding of single chunks; it means nothing in an answer. */
const PADDING = 'obfuscation'

/**
 * Puts a `chat.completion` together from its chunks.
 * @param relaysUsage - false hides the last chunk, usage alone, which the caller did not ask for
 */
export function createChatReader(relaysUsage: boolean): StreamReader {
  const head: Record<string, unknown> = {}
  const choices = new Map<number, Choice>()
  let usage: unknown = null
  let text = ''
  let output = ''
  return {
    failure: null, // the SDK throws these
    get text() {
      return text
    },
    get output() {
      return output
    },
    add(event) {
      usage = event.usage ?? usage
      const parsed = Chunk.safeParse(event)
      if (!parsed.success) return { data: event, text: '' }
      const { choices: parts, usage: counted, ...rest } = parsed.data
      Object.assign(head, rest)
      for (const part of parts) addPart(choices, part)
      const visible = parts.map(visibleText)
      text += visible.join('')
      output += parts.map((part) => writtenIn(part.delta)).join('')
      const isUsageAlone = parts.length === 0 && counted != null
      return isUsageAlone && !relaysUsage ? null : { data: event, text: visible.join('') }
    },
    result() {
      const all = [...choices.values()].sort((a, b) => a.index - b.index)
      const isOver = all.length > 0 && all.every((choice) => choice.finish_reason !== null)
      if (!isOver && usage === null) return null
      const { [PADDING]: _padding, ...kept } = head
      const tail = usage === null ? {} : { usage }
      return { ...kept, object: 'chat.completion', choices: all.map(finished), ...tail }
    },
  }
}

function addPart(choices: Map<number, Choice>, part: ChunkChoice): void {
  const choice = choices.get(part.index) ?? {
    index: part.index,
    message: { role: 'assistant', content: null, refusal: null },
    logprobs: null,
    finish_reason: null,
  }
  choices.set(part.index, choice)
  if (part.delta) mergeDelta(choice.message, part.delta)
  if (part.logprobs) {
    choice.logprobs ??= {}
    mergeDelta(choice.logprobs, part.logprobs)
  }
  choice.finish_reason = part.finish_reason ?? choice.finish_reason
}

/** The first choice speaks for the answer. */
const visibleText = ({ index, delta }: ChunkChoice): string =>
  index === 0 && typeof delta?.content === 'string' ? delta.content : ''

/** A tool call's `index` belongs to the stream alone. */
function finished(choice: Choice): Json {
  const { tool_calls, ...message } = choice.message
  if (!Array.isArray(tool_calls)) return { ...choice, message }
  const calls = tool_calls.map(({ index: _index, ...call }: Json) => call)
  return { ...choice, message: { ...message, tool_calls: calls } }
}
