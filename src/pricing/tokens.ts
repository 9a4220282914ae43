import type { Operation } from '../config/operations.ts'
import { addContent, addItem, addJson, addText, type Json, readJson, type Tally } from './tally.ts'
import { type Encoding, newAllowance } from './tokenizer.ts'

/** Input of one call as far as it can be seen. */
export interface InputCount {
  /** Upper bound of the tokens in the body, without margin. */
  readonly tokens: number
  /** False when a part of it was bounded and not counted: images, sound, files, tools, very long texts. */
  readonly exact: boolean
  /** Added to the provider's margin, percent: this model's tokenizer is not known. */
  readonly extraMarginPercent: number
  /**
   * What the provider will read and bill that is not in the body, e.g. `previous_response_id`, `tools[0]: web_search`.
   * Not empty = no bound is known, so such a call cannot be held for.
   */
  readonly unseen: readonly string[]
}

// Each message is wrapped in three tokens and its role; the answer is primed with three.
// @see https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb
const TOKENS_PER_REQUEST = 3
/** Held above every count: formats change without notice. */
const SPARE_TOKENS = 16
const UNKNOWN_TOKENIZER_PERCENT = 50

const OPENAI_MODEL = /^(gpt-|chatgpt-|codex-|o\d|text-embedding-|ft:)/
const CL100K_MODEL = /^(ft:)?(gpt-4(-|$)|gpt-3\.5)/

/**
 * Counts the input of a request.
 * @param body - as the app sent it; fields that are not input are not counted.
 * @param model - that will be called; absent = the body's. `auto` counts as an OpenAI model.
 */
export function countInputTokens(
  operation: Operation,
  body: Readonly<Record<string, unknown>>,
  model = typeof body.model === 'string' ? body.model : 'auto',
): InputCount {
  const tally: Tally = {
    encoding: encodingOf(operation, model),
    miniImages: hasMiniImages(model),
    tokens: 0,
    exact: true,
    allowance: newAllowance(),
    unseen: [],
  }
  COUNT[operation](tally, readJson(body))
  const known = isKnown(model)
  return {
    tokens: tally.tokens,
    exact: tally.exact && known,
    extraMarginPercent: known ? 0 : UNKNOWN_TOKENIZER_PERCENT,
    unseen: tally.unseen,
  }
}

/**
 * Adds to a count what counting cannot see.
 * @param inputMarginPercent - of the provider's profile.
 * @returns tokens to hold for.
 */
export const heldInputTokens = (count: InputCount, inputMarginPercent: number): number =>
  Math.ceil((count.tokens * (100 + inputMarginPercent + count.extraMarginPercent)) / 100) +
  SPARE_TOKENS

/** Models of one family count any input alike, so that a ladder of them is counted once. */
export const countFamily = (operation: Operation, model: string): string =>
  `${encodingOf(operation, model)} ${hasMiniImages(model)} ${isKnown(model)}`

const isKnown = (model: string): boolean => model === 'auto' || OPENAI_MODEL.test(model)
const hasMiniImages = (model: string): boolean => model.startsWith('gpt-4o-mini')

const encodingOf = (operation: Operation, model: string): Encoding =>
  operation === 'embeddings' || CL100K_MODEL.test(model) ? 'cl100k' : 'o200k'

const COUNT: Readonly<Record<Operation, (tally: Tally, body: Json) => void>> = {
  'chat.completions': countChat,
  responses: countResponses,
  embeddings: countEmbeddings,
}

/** Fields of a request that reach the model as text. */
const CHAT_TEXTS = ['functions', 'function_call', 'tool_choice', 'response_format', 'prediction']
const RESPONSES_TEXTS = ['tool_choice', 'text']

function countChat(tally: Tally, body: Json): void {
  tally.tokens += TOKENS_PER_REQUEST
  for (const message of list(body.messages)) addItem(tally, message)
  for (const field of CHAT_TEXTS) addJson(tally, body[field])
  addTools(tally, body.tools)
  if (body.web_search_options !== undefined) tally.unseen.push('web_search_options')
}

/** State that the provider keeps: its size is not in the body. */
const REMEMBERED = ['previous_response_id', 'conversation', 'prompt']

function countResponses(tally: Tally, body: Json): void {
  tally.tokens += TOKENS_PER_REQUEST
  addContent(tally, body.instructions)
  if (typeof body.input === 'string') addItem(tally, { role: 'user', content: body.input })
  else for (const item of list(body.input)) addItem(tally, item)
  for (const field of RESPONSES_TEXTS) addJson(tally, body[field])
  addTools(tally, body.tools)
  for (const field of REMEMBERED) {
    if (body[field] !== undefined && body[field] !== null) tally.unseen.push(field)
  }
}

function countEmbeddings(tally: Tally, body: Json): void {
  for (const input of list(body.input)) {
    if (typeof input === 'string') addText(tally, input)
    // A list of numbers is text that the app has tokenised already.
    else tally.tokens += Array.isArray(input) ? input.length : 1
  }
}

/** Tools that the app runs: their definitions are all that the model reads. */
const OWN_TOOLS = new Set(['function', 'custom'])

function addTools(tally: Tally, tools: unknown): void {
  for (const [i, tool] of list(tools).entries()) {
    addJson(tally, tool)
    const type = readJson(tool).type
    if (!OWN_TOOLS.has(String(type))) tally.unseen.push(`tools[${i}]: ${String(type)}`)
  }
}

const list = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]
