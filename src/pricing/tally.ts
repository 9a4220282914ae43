import { type Allowance, countText, type Encoding } from './tokenizer.ts'

/** A JSON object of a request: anything may stand in it. */
export type Json = Readonly<Record<string, unknown>>

/** Count under way. Private to the counting of one request. */
export interface Tally {
  readonly encoding: Encoding
  /** Whether the model counts images as gpt-4o-mini does. */
  readonly miniImages: boolean
  tokens: number
  exact: boolean
  readonly allowance: Allowance
  readonly unseen: string[]
}

/** An object's fields, or none. */
export const readJson = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}

// Three around a message, one for its role (every role is one token) and one for a name.
const TOKENS_PER_ITEM = 4
const TOKENS_PER_NAME = 1
// Tools and schemas reach the model in a notation of its own, shorter than their JSON.
const TOKENS_PER_STRUCTURE = 12

/** Adds a text. */
export function addText(tally: Tally, text: string): void {
  const { tokens, exact } = countText(text, tally.encoding, tally.allowance)
  tally.tokens += tokens
  tally.exact &&= exact
}

/** Adds what reaches the model as some rendering of JSON: bounded by the JSON itself. Absent = nothing. */
export function addJson(tally: Tally, value: unknown): void {
  if (value === undefined || value === null) return
  tally.exact = false
  tally.tokens += TOKENS_PER_STRUCTURE
  addText(tally, JSON.stringify(value))
}

/** Adds one message of a chat, or one item of a response's input. */
export function addItem(tally: Tally, item: unknown): void {
  tally.tokens += TOKENS_PER_ITEM
  if (typeof item === 'string') {
    addText(tally, item)
    return
  }
  const { type, role: _role, content, name, id, ...rest } = readJson(item)
  addContent(tally, content)
  if (typeof name === 'string') {
    tally.tokens += TOKENS_PER_NAME
    addText(tally, name)
  }
  if (type === 'item_reference') tally.unseen.push(`input: ${String(id)}`)
  const texts = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
  if (Object.keys(texts).length > 0) addJson(tally, texts)
}

/** Adds a message's content: a text, or parts. */
export function addContent(tally: Tally, content: unknown): void {
  if (typeof content === 'string') addText(tally, content)
  else if (Array.isArray(content)) for (const part of content) addPart(tally, part)
  else addJson(tally, content)
}

type Adder = (tally: Tally, part: Json) => void

const addTextPart: Adder = (tally, part) => addContent(tally, part.text)

/** By the part's `type`, in chats and in responses. */
const ADDERS: ReadonlyMap<unknown, Adder> = new Map<unknown, Adder>([
  ['text', addTextPart],
  ['input_text', addTextPart],
  ['output_text', addTextPart],
  ['image_url', (tally, part) => addImage(tally, readJson(part.image_url).detail)],
  ['input_image', (tally, part) => addImage(tally, part.detail)],
  ['input_audio', (tally, part) => addAudio(tally, readJson(part.input_audio).data)],
  ['file', (tally, part) => addFile(tally, readJson(part.file))],
  ['input_file', addFile],
])

function addPart(tally: Tally, value: unknown): void {
  if (typeof value === 'string') {
    addText(tally, value)
    return
  }
  const part = readJson(value)
  const add = ADDERS.get(part.type) ?? addJson
  add(tally, part)
}

/**
 * The most an image takes. Tiles: 85 + 8 x 170 at most. Patches of 32 pixels: 256 of them at `low`, 2,500 at `high`,
 * 10,000 at `original`, times 2.46 for the dearest model; `auto` may be any of them. gpt-4o-mini: 2,833 + 8 x 5,667.
 * @see https://platform.openai.com/docs/guides/images-vision#model-sizing-behavior (read 2026-11)
 */
const IMAGE_TOKENS = { low: 1_000, high: 6_500, other: 25_000 }
const MINI_IMAGE_TOKENS = { low: 3_000, high: 50_000, other: 50_000 }

function addImage(tally: Tally, detail: unknown): void {
  const most = tally.miniImages ? MINI_IMAGE_TOKENS : IMAGE_TOKENS
  tally.exact = false
  tally.tokens += detail === 'low' || detail === 'high' ? most[detail] : most.other
}

// A token of sound is 100 ms. The least usual rate, 8 kbit/s, is 1,000 bytes a second: 75 base64 characters hold at
// most one token's worth with room to spare.
const BASE64_CHARS_PER_SOUND_TOKEN = 75

function addAudio(tally: Tally, data: unknown): void {
  tally.exact = false
  if (typeof data !== 'string') tally.unseen.push('input_audio')
  else tally.tokens += Math.ceil(data.length / BASE64_CHARS_PER_SOUND_TOKEN)
}

/** A file in the body is bounded by its base64; one elsewhere is not. */
function addFile(tally: Tally, file: Json): void {
  tally.exact = false
  if (typeof file.file_data === 'string') tally.tokens += file.file_data.length
  else tally.unseen.push(`file: ${String(file.file_id ?? file.file_url ?? 'without data')}`)
}
