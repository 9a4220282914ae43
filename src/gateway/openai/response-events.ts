type Json = Readonly<Record<string, unknown>>

/** An event of the Responses API before it is numbered. */
type Step = readonly [type: string, data: Json]

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const recordsIn = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.filter(isRecord) : []

const textIn = (value: unknown): string => (typeof value === 'string' ? value : '')

/**
 * The events of a response that is whole already, as the Responses API would have streamed them: each text in one delta.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming (read 2026-11-21)
 */
export function responseEvents(response: Json): readonly Json[] {
  const { status, usage: _, ...rest } = response
  const begun = { response: { ...rest, status: 'in_progress', output: [], usage: null } }
  const end = status === 'incomplete' || status === 'failed' ? status : 'completed'
  const steps: readonly Step[] = [
    ['response.created', begun],
    ['response.in_progress', begun],
    ...recordsIn(response.output).flatMap(itemSteps),
    [`response.${end}`, { response }],
  ]
  return steps.map(([type, data], sequence_number) => ({ type, ...data, sequence_number }))
}

function itemSteps(item: Json, output_index: number): readonly Step[] {
  const at = { item_id: item.id, output_index }
  return [
    ['response.output_item.added', { output_index, item: opened(item) }],
    ...recordsIn(item.content).flatMap((part, index) =>
      partSteps(part, { ...at, content_index: index }),
    ),
    ...(item.type === 'function_call' ? argumentSteps(item, at) : []),
    ['response.output_item.done', { output_index, item }],
  ]
}

/** An item before anything was written into it. */
function opened(item: Json): Json {
  const started = 'status' in item ? { ...item, status: 'in_progress' } : item
  if (item.type === 'function_call') return { ...started, arguments: '' }
  return Array.isArray(item.content) ? { ...started, content: [] } : started
}

function partSteps(part: Json, at: Json): readonly Step[] {
  const added: Step = ['response.content_part.added', { ...at, part: emptied(part) }]
  const done: Step = ['response.content_part.done', { ...at, part }]
  return [added, ...writtenSteps(part, at), done]
}

const emptied = (part: Json): Json =>
  part.type === 'refusal' ? { ...part, refusal: '' } : { ...part, text: '' }

function writtenSteps(part: Json, at: Json): readonly Step[] {
  const { text, refusal, logprobs = [] } = part
  if (part.type === 'refusal') {
    return [
      ['response.refusal.delta', { ...at, delta: textIn(refusal) }],
      ['response.refusal.done', { ...at, refusal }],
    ]
  }
  if (part.type !== 'output_text') return []
  return [
    ['response.output_text.delta', { ...at, delta: textIn(text), logprobs }],
    ['response.output_text.done', { ...at, text, logprobs }],
  ]
}

const argumentSteps = (item: Json, at: Json): readonly Step[] => [
  ['response.function_call_arguments.delta', { ...at, delta: textIn(item.arguments) }],
  [
    'response.function_call_arguments.done',
    { ...at, name: item.name, arguments: textIn(item.arguments) },
  ],
]
