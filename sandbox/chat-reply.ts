import { type Answer, pieces } from './answer.ts'
import type { Ground } from './prepared.ts'
import type { Tier } from './prices.ts'

/** All that decides how a chat completion is written down. */
export interface ChatReply {
  readonly ground: Ground
  readonly model: string
  readonly tier: Tier
  readonly style: 'text' | 'tool' | 'refusal'
  /** Name of the function to call; '' for other styles. */
  readonly tool: string
  readonly answers: readonly Answer[]
  /** null = leave it out, as a faulty provider does. */
  readonly usage: unknown
  /** `stream_options.include_usage`. */
  readonly streamsUsage: boolean
}

export const chatId = (ground: Ground): string => `chatcmpl-${ground.serial}`

/** One server-sent event. */
export const sse = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

const headOf = (reply: ChatReply, object: string) => ({
  id: chatId(reply.ground),
  object,
  created: reply.ground.created,
  model: reply.model,
  service_tier: reply.tier,
  system_fingerprint: 'fp_sandbox',
})

const argumentsOf = (answer: Answer): string => JSON.stringify({ input: answer.text })

const callOf = (reply: ChatReply, index: number, args: string) => ({
  id: `call_${reply.ground.serial}_${index}`,
  type: 'function',
  function: { name: reply.tool, arguments: args },
})

function finishOf(reply: ChatReply, answer: Answer): string {
  if (answer.cut) return 'length'
  return reply.style === 'tool' ? 'tool_calls' : 'stop'
}

/** @returns the `chat.completion` object. */
export function chatJson(reply: ChatReply) {
  const { style } = reply
  const choices = reply.answers.map((answer, index) => ({
    index,
    message: {
      role: 'assistant',
      content: style === 'text' ? answer.text : null,
      refusal: style === 'refusal' ? answer.text : null,
      ...(style === 'tool' ? { tool_calls: [callOf(reply, index, argumentsOf(answer))] } : {}),
      annotations: [],
    },
    logprobs: null,
    finish_reason: finishOf(reply, answer),
  }))
  const usage = reply.usage ? { usage: reply.usage } : {}
  return { ...headOf(reply, 'chat.completion'), choices, ...usage }
}

/** @returns the `chat.completion.chunk` stream, `[DONE]` included. */
export function chatEvents(reply: ChatReply): string[] {
  const usage = reply.streamsUsage ? reply.usage : null
  const shell = headOf(reply, 'chat.completion.chunk')
  const chunk = (index: number, delta: unknown, finish: string | null = null) =>
    sse({
      ...shell,
      choices: [{ index, delta, logprobs: null, finish_reason: finish }],
      ...(usage ? { usage: null } : {}),
    })
  const choices = reply.answers.flatMap((answer, index) => {
    const text = reply.style === 'tool' ? argumentsOf(answer) : answer.text
    return [
      chunk(index, openingOf(reply, index)),
      ...pieces(text, reply.ground.tokensPerChunk).map((part) =>
        chunk(index, deltaOf(reply, part)),
      ),
      chunk(index, {}, finishOf(reply, answer)),
    ]
  })
  const last = usage ? [sse({ ...shell, choices: [], usage })] : []
  return [...choices, ...last, 'data: [DONE]\n\n']
}

function openingOf(reply: ChatReply, index: number) {
  const role = 'assistant'
  if (reply.style === 'refusal') return { role, content: null, refusal: '' }
  if (reply.style === 'text') return { role, content: '', refusal: null }
  return { role, content: null, tool_calls: [{ index: 0, ...callOf(reply, index, '') }] }
}

function deltaOf(reply: ChatReply, part: string) {
  if (reply.style === 'tool') return { tool_calls: [{ index: 0, function: { arguments: part } }] }
  return reply.style === 'refusal' ? { refusal: part } : { content: part }
}
