import type {
  LanguageModelV3Content,
  LanguageModelV3FinishReason,
  LanguageModelV3ResponseMetadata,
  LanguageModelV3ToolCall,
  LanguageModelV3Usage,
  SharedV3ProviderMetadata,
} from '@ai-sdk/provider'
import type { Answer } from '../answer.ts'
import { isJson, type Json } from '../http/read-reply.ts'
import { PROVIDER } from './settings.ts'

const textIn = (value: unknown): string => (typeof value === 'string' ? value : '')
const countIn = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined
const jsonIn = (value: unknown): Json => (isJson(value) ? value : {})
const listIn = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.filter(isJson) : []

/** The first choice of an answer, or of a piece of one. */
export const choiceIn = ({ choices }: Json): Json => listIn(choices)[0] ?? {}

export const callsIn = (message: Json): readonly Json[] => listIn(message.tool_calls)

/** Reasoning, as servers that show it name it. */
export const reasoningIn = (message: Json): string =>
  textIn(message.reasoning_content) || textIn(message.reasoning)

/** What a model said and which tools it calls. */
export function contentOf({ response, text }: Answer<Json>): LanguageModelV3Content[] {
  const message = jsonIn(choiceIn(response).message)
  const reasoning = reasoningIn(message)
  return [
    ...(reasoning === '' ? [] : [{ type: 'reasoning' as const, text: reasoning }]),
    ...(text === '' ? [] : [{ type: 'text' as const, text }]),
    ...toolCallsOf(response),
  ]
}

export const toolCallsOf = (response: Json): LanguageModelV3ToolCall[] =>
  callsIn(jsonIn(choiceIn(response).message)).map((call) => {
    const { name, arguments: input } = jsonIn(call.function)
    return {
      type: 'tool-call',
      toolCallId: textIn(call.id),
      toolName: textIn(name),
      input: textIn(input),
    }
  })

const FINISHED: Readonly<Record<string, LanguageModelV3FinishReason['unified']>> = {
  stop: 'stop',
  length: 'length',
  content_filter: 'content-filter',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
}

export function finishOf(response: Json): LanguageModelV3FinishReason {
  const raw = textIn(choiceIn(response).finish_reason)
  return { unified: FINISHED[raw] ?? 'other', raw: raw === '' ? undefined : raw }
}

/** Of the call that made the answer; one from the cache was paid by somebody before. */
export function usageOf(response: Json): LanguageModelV3Usage {
  const usage = jsonIn(response.usage)
  const input = countIn(usage.prompt_tokens)
  const output = countIn(usage.completion_tokens)
  const cacheRead = countIn(jsonIn(usage.prompt_tokens_details).cached_tokens)
  const reasoning = countIn(jsonIn(usage.completion_tokens_details).reasoning_tokens)
  return {
    inputTokens: {
      total: input,
      noCache: input === undefined ? undefined : input - (cacheRead ?? 0),
      cacheRead,
      cacheWrite: undefined,
    },
    outputTokens: {
      total: output,
      text: output === undefined ? undefined : output - (reasoning ?? 0),
      reasoning,
    },
    raw: JSON.parse(JSON.stringify(usage)),
  }
}

export function metadataOf(response: Json): LanguageModelV3ResponseMetadata {
  const created = countIn(response.created)
  return {
    ...(typeof response.id === 'string' && { id: response.id }),
    ...(typeof response.model === 'string' && { modelId: response.model }),
    ...(created !== undefined && { timestamp: new Date(created * 1_000) }),
  }
}

/** The receipt: what it cost, who paid, why this model, what is left. */
export const receiptOf = ({ receipt }: Pick<Answer, 'receipt'>): SharedV3ProviderMetadata => ({
  [PROVIDER]: { receipt: JSON.parse(JSON.stringify(receipt)) },
})

/** @returns the provider's JSON; an answer that is none has nothing in it. */
export const asChat = (answer: Answer): Answer<Json> => ({
  ...answer,
  response: jsonIn(answer.response),
})
