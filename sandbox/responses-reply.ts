import { type Answer, pieces } from './answer.ts'
import type { Ground } from './prepared.ts'
import type { Tier } from './prices.ts'

/** All that decides how a response is written down. */
export interface ResponseReply {
  readonly ground: Ground
  readonly asked: Readonly<Record<string, unknown>>
  readonly tier: Tier
  readonly answer: Answer
  /** null = leave it out, as a faulty provider does. */
  readonly usage: unknown
}

export const responseId = (ground: Ground): string => `resp_${ground.serial}`

const messageId = (reply: ResponseReply): string => `msg_${reply.ground.serial}`

const textPart = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] })

const messageOf = (reply: ResponseReply, status: string, content: readonly unknown[]) => ({
  id: messageId(reply),
  type: 'message',
  status,
  role: 'assistant',
  content,
})

const thoughtOf = (reply: ResponseReply) =>
  reply.answer.reasoning > 0
    ? [{ id: `rs_${reply.ground.serial}`, type: 'reasoning', summary: [] }]
    : []

const endOf = (reply: ResponseReply) => (reply.answer.cut ? 'incomplete' : 'completed')

function outputOf(reply: ResponseReply): unknown[] {
  const { text } = reply.answer
  const message = text === '' ? [] : [messageOf(reply, endOf(reply), [textPart(text)])]
  return [...thoughtOf(reply), ...message]
}

/** A response as it stands: still empty while in progress, whole at its end. */
function responseAt(reply: ResponseReply, status: string, output: readonly unknown[]) {
  const { ground, asked, answer } = reply
  const isOver = status !== 'in_progress'
  return {
    id: responseId(ground),
    object: 'response',
    created_at: ground.created,
    status,
    error: null,
    incomplete_details: isOver && answer.cut ? { reason: 'max_output_tokens' } : null,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    metadata: asked.metadata ?? {},
    model: asked.model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: asked.reasoning ?? { effort: null, summary: null },
    service_tier: reply.tier,
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: asked.tools ?? [],
    top_p: 1,
    truncation: 'disabled',
    ...(isOver && reply.usage === null ? {} : { usage: isOver ? reply.usage : null }),
  }
}

/** @returns the finished `response` object. */
export const responseJson = (reply: ResponseReply) =>
  responseAt(reply, endOf(reply), outputOf(reply))

/** @returns the stream, from `response.created` to `response.completed` or `response.incomplete`. */
export function responseEvents(reply: ResponseReply): string[] {
  const begun = { response: responseAt(reply, 'in_progress', []) }
  const steps: [type: string, data: object][] = [
    ['response.created', begun],
    ['response.in_progress', begun],
    ...thoughtOf(reply).flatMap(thoughtSteps),
    ...(reply.answer.text === '' ? [] : messageSteps(reply)),
    [`response.${endOf(reply)}`, { response: responseJson(reply) }],
  ]
  return steps.map(([type, data], sequence_number) => {
    const event = JSON.stringify({ type, ...data, sequence_number })
    return `event: ${type}\ndata: ${event}\n\n`
  })
}

const thoughtSteps = (item: object): [type: string, data: object][] => [
  ['response.output_item.added', { output_index: 0, item }],
  ['response.output_item.done', { output_index: 0, item }],
]

function messageSteps(reply: ResponseReply): [type: string, data: object][] {
  const { text } = reply.answer
  const output_index = thoughtOf(reply).length
  const at = { item_id: messageId(reply), output_index, content_index: 0 }
  const done = messageOf(reply, endOf(reply), [textPart(text)])
  const deltas = pieces(text, reply.ground.tokensPerChunk).map((delta): [string, object] => [
    'response.output_text.delta',
    { ...at, delta, logprobs: [] },
  ])
  return [
    ['response.output_item.added', { output_index, item: messageOf(reply, 'in_progress', []) }],
    ['response.content_part.added', { ...at, part: textPart('') }],
    ...deltas,
    ['response.output_text.done', { ...at, text, logprobs: [] }],
    ['response.content_part.done', { ...at, part: textPart(text) }],
    ['response.output_item.done', { output_index, item: done }],
  ]
}
