type Json = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Which chunks of a chat its caller is to see. */
export interface ChatRelay {
  /** The chunk as the caller asked for it; null = it is not for this caller. */
  relay(chunk: Json): Json | null
  /** What is still missing when the stream has ended, given the whole answer. */
  rest(response: Json): readonly Json[]
}

/**
 * Hands on the chunks of a chat. The provider is always asked for the usage, by which the call is settled; a caller sees
 * it who asked for it, as OpenAI has it: one chunk at the end, and `usage: null` in those before.
 */
export function createChatRelay(includeUsage: boolean): ChatRelay {
  let told = false
  return {
    relay(chunk) {
      const { usage, ...rest } = chunk
      const isUsageAlone = isRecord(usage) && Array.isArray(chunk.choices) && !chunk.choices.length
      if (includeUsage) {
        told ||= isUsageAlone
        return chunk
      }
      if (isUsageAlone) return null
      return usage === null ? rest : chunk
    },
    rest: (response) =>
      // It followed the stream of another, who had not asked for it.
      includeUsage && !told ? usageChunk(response) : [],
  }
}

/**
 * The chunks of a chat that is whole already: one for each choice and one for its end.
 * @param response - a `chat.completion`.
 */
export function chatChunks(response: Json, includeUsage: boolean): readonly Json[] {
  const { choices, usage: _, ...head } = response
  const shell = { ...head, object: 'chat.completion.chunk' }
  const nothing = includeUsage ? { usage: null } : {}
  const all = (Array.isArray(choices) ? choices : []).filter(isRecord).flatMap((choice, at) => {
    const { message, index = at, finish_reason = 'stop', logprobs = null } = choice
    const part = (delta: Json, rest: Json) => ({
      ...shell,
      choices: [{ index, delta, ...rest }],
      ...nothing,
    })
    return [
      part(deltaOf(message), { logprobs, finish_reason: null }),
      part({}, { logprobs: null, finish_reason }),
    ]
  })
  return [...all, ...(includeUsage ? usageChunk(response) : [])]
}

function usageChunk({ choices: _, usage, ...head }: Json): readonly Json[] {
  return isRecord(usage) ? [{ ...head, object: 'chat.completion.chunk', choices: [], usage }] : []
}

/** In a stream the calls of tools are numbered. */
function deltaOf(message: unknown): Json {
  if (!isRecord(message)) return {}
  const { tool_calls: calls, ...rest } = message
  if (!Array.isArray(calls)) return rest
  const numbered = calls.map((call: unknown, index) => (isRecord(call) ? { index, ...call } : call))
  return { ...rest, tool_calls: numbered }
}
