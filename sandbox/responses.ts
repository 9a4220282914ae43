import { z } from 'zod'
import { cacheSplit, drawOf, invent } from './answer.ts'
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
import { type ResponseReply, responseEvents, responseId, responseJson } from './responses-reply.ts'
import { inFormat } from './schema-answer.ts'
import { tokensOf } from './tokens.ts'

const Item = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.unknown().optional(),
})

const ResponsesBody = z.looseObject({
  ...common,
  input: z.union([z.string(), z.array(Item).min(1)]),
  instructions: z.string().nullish(),
  max_output_tokens: count,
  reasoning: z.looseObject({ effort }).nullish(),
  tools: z.array(z.looseObject({ type: z.string() })).nullish(),
  previous_response_id: z.string().nullish(),
  text: z.looseObject({ format: z.unknown().optional() }).nullish(),
})
type ResponsesBody = z.infer<typeof ResponsesBody>

/** Answers one request of the Responses API. @throws {ApiError} as OpenAI would. */
export function prepareResponse(ground: Ground, raw: unknown, twist: Twist): Prepared {
  const body = check(ResponsesBody, raw)
  const model = modelOf(body.model, 'chat')
  refuseMemory(body)
  const cap = body.max_output_tokens ?? null
  const draw = drawOf(ground.seed, body)
  const input = cacheSplit(draw, ...inputOf(body))
  const thinking = body.reasoning?.effort ?? null
  const answer = invent(draw, { model, cap, effort: thinking, forced: forcedOutput(body.metadata) })
  const tokens: Tokens = { ...input, ...outputOf([answer], cap, twist) }
  const tier = tierOf(body.service_tier)
  const usage = twist.omitUsage ? null : usageOf(tokens)
  const written = inFormat(body.text?.format, answer)
  const reply: ResponseReply = { ground, asked: body, tier, answer: written, usage }
  return {
    id: responseId(ground),
    kind: 'responses',
    modelName: body.model,
    model,
    lane: tier,
    tokens,
    isStream: body.stream === true,
    chunkDelayMs: chunkDelay(body.metadata),
    json: () => responseJson(reply),
    events: () => responseEvents(reply),
  }
}

function refuseMemory(body: ResponsesBody): void {
  if (body.previous_response_id == null) return
  throw new ApiError(
    400,
    `Previous response with id '${body.previous_response_id}' not found. The sandbox stores none.`,
    { param: 'previous_response_id', code: 'previous_response_not_found' },
  )
}

/** @returns input tokens of the whole request, and of all that comes before the last item. */
function inputOf(body: ResponsesBody): [total: number, prefix: number] {
  const instructions = body.instructions ? MESSAGE_TOKENS + tokensOf(body.instructions) : 0
  const given = toolTokens(body.tools) + instructions
  const items = typeof body.input === 'string' ? [{ content: body.input }] : body.input
  const each = items.map(itemTokens)
  const before = each.slice(0, -1).reduce((sum, tokens) => sum + tokens, given)
  return [before + (each.at(-1) ?? 0) + REPLY_TOKENS, before]
}

function itemTokens(item: z.infer<typeof Item>): number {
  const isMessage = item.content !== undefined
  return MESSAGE_TOKENS + (isMessage ? contentTokens(item.content) : tokensOf(JSON.stringify(item)))
}

function usageOf(tokens: Tokens) {
  const input = tokens.input + tokens.cached + tokens.cacheWrite
  const output = tokens.output + tokens.reasoning
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: tokens.cached,
      cache_write_tokens: tokens.cacheWrite,
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: tokens.reasoning },
    total_tokens: input + output,
  }
}
