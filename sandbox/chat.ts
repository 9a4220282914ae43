import { z } from 'zod'
import { cacheSplit, drawOf, invent } from './answer.ts'
import { type ChatReply, chatEvents, chatId, chatJson } from './chat-reply.ts'
import { ApiError } from './http.ts'
import { chunkDelay, type Ground, outputOf, type Prepared, type Twist } from './prepared.ts'
import type { Tokens } from './prices.ts'
import {
  check,
  common,
  contentTokens,
  count,
  effort,
  forcedOutput,
  MESSAGE_TOKENS,
  modelOf,
  REPLY_TOKENS,
  tierOf,
  toolTokens,
} from './request.ts'
import { inFormat } from './schema-answer.ts'
import { tokensOf } from './tokens.ts'

const Message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.unknown().optional(),
  name: z.string().optional(),
  tool_calls: z.array(z.unknown()).nullish(),
})

const ChatBody = z.looseObject({
  ...common,
  messages: z.array(Message).min(1),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_completion_tokens: count,
  max_tokens: count,
  n: z.int().min(1).max(128).nullish(),
  reasoning_effort: effort,
  tools: z.array(z.looseObject({ type: z.string() })).nullish(),
  tool_choice: z.unknown().optional(),
  response_format: z.unknown().optional(),
})
type ChatBody = z.infer<typeof ChatBody>

/** Answers one chat completion. @throws {ApiError} as OpenAI would. */
export function prepareChat(ground: Ground, raw: unknown, twist: Twist): Prepared {
  const body = check(ChatBody, raw)
  const model = modelOf(body.model, 'chat')
  const cap = capOf(body)
  const draw = drawOf(ground.seed, body)
  const input = cacheSplit(draw, ...inputOf(body))
  const order = {
    model,
    cap,
    effort: body.reasoning_effort ?? null,
    forced: forcedOutput(body.metadata),
  }
  const answers = Array.from({ length: body.n ?? 1 }, () => invent(draw, order))
  const tokens: Tokens = { ...input, ...outputOf(answers, cap, twist) }
  const reply: ChatReply = {
    ground,
    model: body.model,
    tier: tierOf(body.service_tier),
    answers: answers.map((answer) => inFormat(body.response_format, answer)),
    usage: twist.omitUsage ? null : usageOf(tokens),
    streamsUsage: body.stream_options?.include_usage === true,
    ...styleOf(body),
  }
  return {
    id: chatId(ground),
    kind: 'chat.completions',
    modelName: body.model,
    model,
    lane: reply.tier,
    tokens,
    isStream: body.stream === true,
    chunkDelayMs: chunkDelay(body.metadata),
    json: () => chatJson(reply),
    events: () => chatEvents(reply),
  }
}

function capOf(body: ChatBody): number | null {
  if (body.max_tokens != null && body.max_completion_tokens != null)
    throw new ApiError(
      400,
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      { code: 'invalid_parameter_combination' },
    )
  if (body.stream_options && !body.stream)
    throw new ApiError(
      400,
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      { param: 'stream_options' },
    )
  return body.max_completion_tokens ?? body.max_tokens ?? null
}

/** @returns input tokens of the whole request, and of all that comes before the last message. */
function inputOf(body: ChatBody): [total: number, prefix: number] {
  const each = body.messages.map(messageTokens)
  const before = each.slice(0, -1).reduce((sum, tokens) => sum + tokens, toolTokens(body.tools))
  return [before + (each.at(-1) ?? 0) + REPLY_TOKENS, before]
}

function messageTokens(message: z.infer<typeof Message>): number {
  const name = message.name === undefined ? 0 : 1 + tokensOf(message.name)
  const calls = message.tool_calls?.length ? tokensOf(JSON.stringify(message.tool_calls)) : 0
  return MESSAGE_TOKENS + tokensOf(message.role) + contentTokens(message.content) + name + calls
}

function usageOf(tokens: Tokens) {
  const prompt = tokens.input + tokens.cached + tokens.cacheWrite
  const completion = tokens.output + tokens.reasoning
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: tokens.cached,
      cache_write_tokens: tokens.cacheWrite,
      audio_tokens: 0,
    },
    completion_tokens_details: {
      reasoning_tokens: tokens.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** `metadata.sandbox_answer` says `tool` or `refusal`; a required tool is called in any case. */
function styleOf(body: ChatBody): Pick<ChatReply, 'style' | 'tool'> {
  const named = z.object({ function: z.object({ name: z.string() }) })
  const first = named.safeParse(body.tools?.[0]).data?.function.name
  const chosen = named.safeParse(body.tool_choice).data?.function.name
  const wanted = body.metadata?.sandbox_answer
  const mustCall = chosen !== undefined || body.tool_choice === 'required' || wanted === 'tool'
  if (mustCall && first !== undefined) return { style: 'tool', tool: chosen ?? first }
  return { style: wanted === 'refusal' ? 'refusal' : 'text', tool: '' }
}
