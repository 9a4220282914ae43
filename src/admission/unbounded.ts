import type { Operation } from '../config/operations.ts'
import type { RequestBody } from '../provider/types.ts'
import type { GovernedRequest } from './plan-types.ts'

/** Beyond any model; the ledger keeps caps as 32-bit integers. */
export const MAX_CAP_TOKENS = 10_000_000
/** What OpenAI allows. */
const MAX_CHOICES = 128

/** Fields that cap the output, under the names of both APIs and the older one of chats. */
export const CAP_FIELDS = ['max_completion_tokens', 'max_output_tokens', 'max_tokens'] as const

const isAbsent = (value: unknown): boolean => value === undefined || value === null

/** A whole number of at least 1. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) > 0
const isCountUpTo = (most: number) => (value: unknown) => isCount(value) && value <= most
const isOneOf =
  (...allowed: readonly unknown[]) =>
  (value: unknown) =>
    allowed.includes(value)
const never = () => false

interface Rule {
  readonly field: string
  /** Judges a value that is there; null counts as absent. */
  readonly allows: (value: unknown) => boolean
  readonly mend: string
}

const EARLIER_TURNS = 'its size is not in the request: send the earlier turns themselves in input'
const APART = 'it is billed apart from tokens: leave it out, and offer a function that does it'

/**
 * What makes a provider bill tokens that are neither in the counted input nor under the output cap, or bill them at
 * another price. No hold bounds it.
 * @see https://platform.openai.com/docs/api-reference (fields of chat completions and responses, read 2026-11)
 */
const RULES: readonly Rule[] = [
  { field: 'previous_response_id', allows: never, mend: EARLIER_TURNS },
  { field: 'conversation', allows: never, mend: EARLIER_TURNS },
  {
    field: 'prompt',
    allows: never,
    mend: 'a stored prompt is not in the request: write it out in instructions and input',
  },
  {
    field: 'background',
    allows: isOneOf(false),
    mend: "its bill comes after the answer: leave it out, and use urgency: 'deferrable' for work that can wait",
  },
  {
    field: 'context_management',
    allows: never,
    mend: 'compaction is billed beside the answer: leave it out, and shorten input yourself',
  },
  { field: 'web_search_options', allows: never, mend: APART },
  { field: 'plugins', allows: never, mend: APART },
  {
    field: 'models',
    allows: never,
    mend: 'a provider that falls back may bill a dearer model: leave it out, the ladder falls back',
  },
  {
    field: 'modalities',
    allows: (value) => Array.isArray(value) && value.every(isOneOf('text')),
    mend: "sound has prices of its own: write modalities: ['text'], or leave it out",
  },
  { field: 'audio', allows: never, mend: 'sound has prices of its own: leave it out' },
  {
    field: 'prediction',
    allows: never,
    mend: 'what is rejected of it is billed as output beyond the cap: leave it out',
  },
  { field: 'best_of', allows: isOneOf(1), mend: 'discarded answers are billed too: use n' },
  {
    field: 'n',
    allows: isCountUpTo(MAX_CHOICES),
    mend: `write a whole number from 1 to ${MAX_CHOICES}`,
  },
  {
    field: 'service_tier',
    allows: isOneOf('auto', 'default', 'flex', 'priority'),
    mend: "no price is known for it: write 'default', 'flex' or 'priority'",
  },
  ...CAP_FIELDS.map((field) => ({
    field,
    allows: isCountUpTo(MAX_CAP_TOKENS),
    mend: `write a whole number of tokens from 1 to ${MAX_CAP_TOKENS}`,
  })),
]

/** Why no hold can bound a request, and what to send instead; null when one can. */
export function unbounded({ operation, body }: GovernedRequest): string | null {
  for (const { field, allows, mend } of RULES) {
    const value = body[field]
    if (!isAbsent(value) && !allows(value)) return `${field} ${cannot(mend)}`
  }
  return toolFault(body.tools) ?? PARTS[operation](body)
}

const cannot = (mend: string): string => `cannot be held for as it is: ${mend}`

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {})
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** @returns the first fault in a list, which `judge` finds given an element and where it stands. */
function firstFault(
  values: readonly unknown[],
  path: string,
  judge: (value: unknown, path: string) => string | null,
): string | null {
  for (const [at, value] of values.entries()) {
    const fault = judge(value, `${path}[${at}]`)
    if (fault !== null) return fault
  }
  return null
}

/** Tools that the app runs; those of the provider read and write what nobody here sees. */
const isOwnTool = isOneOf('function', 'custom')

const toolFault = (tools: unknown): string | null =>
  firstFault(list(tools), 'tools', (tool, path) => {
    const { type } = fieldsOf(tool)
    if (isOwnTool(type)) return null
    return `${path} is of type ${String(type)}, which ${cannot(
      'the provider runs it and bills what it reads; offer a tool of type function or custom',
    )}`
  })

const PARTS: Readonly<Record<Operation, (body: RequestBody) => string | null>> = {
  'chat.completions': ({ messages }) =>
    firstFault(list(messages), 'messages', (message, path) => {
      const { audio, content } = fieldsOf(message)
      if (!isAbsent(audio)) {
        return `${path}.audio ${cannot('it refers to sound that the provider keeps; send its transcript')}`
      }
      return contentFault(content, `${path}.content`)
    }),
  responses: ({ input }) => firstFault(list(input), 'input', itemFault),
  embeddings: ({ input }) =>
    isEmbeddable(input)
      ? null
      : 'input is a text, a list of texts, or lists of token numbers: nothing else can be counted',
}

/** Absent = a message. Items of the provider's own tools stand for what it keeps. */
const isOwnItem = isOneOf(
  ...[undefined, 'message', 'reasoning', 'function_call', 'function_call_output'],
  ...['custom_tool_call', 'custom_tool_call_output'],
)

function itemFault(item: unknown, path: string): string | null {
  const { type, content, output } = fieldsOf(item)
  if (!isOwnItem(type)) {
    return `${path} is of type ${String(type)}, which ${cannot(
      'the provider adds to it what nobody here sees; send what it says as a message',
    )}`
  }
  const inOutput = firstFault(list(output), `${path}.output`, (part, at) =>
    isText(fieldsOf(part).type) ? null : `${at} ${cannot('send images and files in a message')}`,
  )
  return inOutput ?? contentFault(content, `${path}.content`)
}

const isText = isOneOf(
  ...['text', 'input_text', 'output_text', 'refusal', 'summary_text', 'reasoning_text'],
)
const isMedia = isOneOf('image_url', 'input_image', 'input_audio')
const isFile = isOneOf('file', 'input_file')
/** A text is as many tokens as bytes at most; a PDF or a spreadsheet is compressed, and its pages are images too. */
const PLAIN_FILE = /^data:(text\/|application\/json[;,])/

const contentFault = (content: unknown, path: string): string | null =>
  firstFault(list(content), path, (value, at) => {
    if (typeof value === 'string') return null
    const part = fieldsOf(value)
    if (isText(part.type) || isMedia(part.type)) return null
    if (!isFile(part.type)) {
      return `${at} is of type ${String(part.type)}, which ${cannot('send text, images, sound or text files')}`
    }
    const { file_data } = fieldsOf(part.file ?? part)
    const isPlain = typeof file_data === 'string' && PLAIN_FILE.test(file_data)
    return isPlain
      ? null
      : `${at} ${cannot('its text and pages cannot be counted; send its text, or a file_data that begins with data:text/')}`
  })

const isToken = (value: unknown): boolean => Number.isSafeInteger(value)
const isTokens = (value: unknown): boolean => Array.isArray(value) && value.every(isToken)
const isEmbeddable = (input: unknown): boolean =>
  typeof input === 'string' ||
  (Array.isArray(input) &&
    (input.every(isToken) || input.every((one) => typeof one === 'string' || isTokens(one))))
