import type { LanguageModelV3CallOptions, SharedV3Warning } from '@ai-sdk/provider'
import type { ChatRequest } from '../types.ts'
import { messagesOf } from './prompt.ts'
import { governed, type ModelParts, PROVIDER } from './settings.ts'

export interface WrittenRequest {
  readonly request: ChatRequest
  readonly warnings: SharedV3Warning[]
}

/** Writes what the AI SDK asks for as a request of a chat. What no chat knows is left out, with a warning. */
export function chatRequest(
  parts: ModelParts,
  options: LanguageModelV3CallOptions,
): WrittenRequest {
  const warnings: SharedV3Warning[] = []
  const unsupported = (feature: string, details?: string) =>
    warnings.push({ type: 'unsupported', feature, ...(details && { details }) })
  if (options.topK !== undefined) unsupported('topK')
  const tools = (options.tools ?? []).flatMap((tool) => {
    if (tool.type === 'function') return [functionTool(tool)]
    unsupported(`provider tool ${tool.id}`, 'offer a function that does it')
    return []
  })
  const fields = {
    max_completion_tokens: options.maxOutputTokens,
    temperature: options.temperature,
    top_p: options.topP,
    stop: options.stopSequences,
    presence_penalty: options.presencePenalty,
    frequency_penalty: options.frequencyPenalty,
    seed: options.seed,
    response_format: formatOf(options.responseFormat),
    ...(tools.length > 0 && { tools, tool_choice: choiceOf(options.toolChoice) }),
  }
  const own = options.providerOptions?.[PROVIDER]
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  const request = {
    ...governed(parts, own),
    operation: 'chat.completions' as const,
    messages: messagesOf(options.prompt),
    ...Object.fromEntries(given),
  }
  return { request, warnings }
}

type FunctionTool = Extract<
  NonNullable<LanguageModelV3CallOptions['tools']>[number],
  { type: 'function' }
>

const functionTool = ({ name, description, inputSchema, strict }: FunctionTool) => ({
  type: 'function',
  function: {
    name,
    ...(description !== undefined && { description }),
    parameters: inputSchema,
    ...(strict !== undefined && { strict }),
  },
})

function choiceOf(choice: LanguageModelV3CallOptions['toolChoice']): unknown {
  if (choice?.type !== 'tool') return choice?.type
  return { type: 'function', function: { name: choice.toolName } }
}

function formatOf(format: LanguageModelV3CallOptions['responseFormat']): unknown {
  if (format?.type !== 'json') return undefined
  const { schema, name = 'response', description } = format
  if (!schema) return { type: 'json_object' }
  const described = { name, schema, strict: true, ...(description && { description }) }
  return { type: 'json_schema', json_schema: described }
}
