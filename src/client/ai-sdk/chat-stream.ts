import type { LanguageModelV3StreamPart } from '@ai-sdk/provider'
import type { StreamPart } from '../../queue/streams/log-entry.ts'
import type { Answer } from '../answer.ts'
import { isJson, type Json } from '../http/read-reply.ts'
import type { AnswerStream } from '../stream.ts'
import {
  asChat,
  callsIn,
  choiceIn,
  finishOf,
  metadataOf,
  reasoningIn,
  receiptOf,
  toolCallsOf,
  usageOf,
} from './chat-answer.ts'
import { createGrowing, type Growing } from './growing.ts'

type Part = LanguageModelV3StreamPart
type Kind = 'text' | 'reasoning'

interface ToolInput {
  readonly id: string
  readonly input: Growing
}

/** Tells a streamed answer in the parts that the AI SDK knows. @throws {BursarError} what the stream fails with. */
export async function* streamParts(stream: AnswerStream): AsyncGenerator<Part, void> {
  const texts = { reasoning: createGrowing(), text: createGrowing() }
  const tools = new Map<number, ToolInput>()

  function* say(kind: Kind, fresh: string): Generator<Part, void> {
    if (fresh === '') return
    // The first of it: nothing was told before.
    if (texts[kind].told.length === fresh.length) yield { type: `${kind}-start`, id: kind }
    yield { type: `${kind}-delta`, id: kind, delta: fresh }
  }

  function* call(piece: Json): Generator<Part, void> {
    const { index = 0, id, function: called } = piece
    if (typeof index !== 'number' || !isJson(called)) return
    const known = tools.get(index)
    if (!known && typeof id === 'string' && typeof called.name === 'string') {
      tools.set(index, { id, input: createGrowing() })
      yield { type: 'tool-input-start', id, toolName: called.name }
    }
    const tool = tools.get(index)
    const delta = tool?.input.add(typeof called.arguments === 'string' ? called.arguments : '')
    if (tool && delta) yield { type: 'tool-input-delta', id: tool.id, delta }
  }

  function* piece({ text, data, restart }: StreamPart): Generator<Part, void> {
    if (restart) {
      for (const one of Object.values(texts)) one.restart()
      for (const { input } of tools.values()) input.restart()
    }
    const { delta } = choiceIn(data ?? {})
    if (isJson(delta)) {
      const reasoning = reasoningIn(delta)
      if (reasoning !== '') yield* say('reasoning', texts.reasoning.add(reasoning))
    }
    if (text !== '') yield* say('text', texts.text.add(text))
    if (isJson(delta)) for (const one of callsIn(delta)) yield* call(one)
  }

  function* end(answer: Answer<Json>): Generator<Part, void> {
    yield* say('text', texts.text.finish(answer.text))
    for (const kind of ['reasoning', 'text'] as const) {
      if (texts[kind].told !== '') yield { type: `${kind}-end`, id: kind }
    }
    for (const made of toolCallsOf(answer.response)) {
      const told = [...tools.values()].find(({ id }) => id === made.toolCallId)
      if (told) yield { type: 'tool-input-end', id: told.id }
      yield made
    }
    const [usage, finishReason] = [usageOf(answer.response), finishOf(answer.response)]
    yield { type: 'finish', usage, finishReason, providerMetadata: receiptOf(answer) }
  }

  let isIdentified = false
  for await (const part of stream) {
    if (!isIdentified && part.data) {
      isIdentified = true
      yield { type: 'response-metadata', ...metadataOf(part.data) }
    }
    yield* piece(part)
  }
  yield* end(asChat(await stream.final))
}
