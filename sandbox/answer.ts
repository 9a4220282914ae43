import type { Model } from './prices.ts'
import { between, canonical, createDraw, type Draw, fingerprint } from './random.ts'
import { plainWords } from './tokens.ts'

/** One choice of an answer. */
export interface Answer {
  /** `visible` tokens of text, ready to send. */
  readonly text: string
  readonly visible: number
  readonly reasoning: number
  /** The cap ended it. */
  readonly cut: boolean
}

export interface AnswerOrder {
  readonly model: Model
  /** Most output tokens, reasoning included; null = none was asked for. */
  readonly cap: number | null
  readonly effort: string | null
  /** Output tokens wanted by the caller of a test, reasoning included. */
  readonly forced: number | null
}

/** Mean thinking by effort, tokens. */
const THINKING: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 64,
  low: 128,
  medium: 256,
  high: 768,
  xhigh: 1_536,
  max: 3_072,
}
export const EFFORTS = Object.keys(THINKING)

const NOT_THE_QUESTION = new Set(['stream', 'stream_options', 'user', 'safety_identifier'])

/** The randomness of one request: a function of the seed and of what is asked, however it is delivered. */
export function drawOf(seed: number, body: Readonly<Record<string, unknown>>): Draw {
  const question = Object.entries(body).filter(([key]) => !NOT_THE_QUESTION.has(key))
  return createDraw(fingerprint(seed, canonical(Object.fromEntries(question))))
}

/** Invents one answer: as many tokens as drawn or asked for, thinking first, all of it under the cap. */
export function invent(draw: Draw, order: AnswerOrder): Answer {
  const cap = order.cap ?? Number.POSITIVE_INFINITY
  const thinking = order.model.reasons ? think(draw, order.effort) : 0
  const wish = order.forced ?? thinking + length(draw)
  const total = Math.min(wish, cap)
  const reasoning = Math.min(thinking, order.forced === null ? total : Math.floor(total / 2))
  const visible = total - reasoning
  return { text: textOf(draw, visible), visible, reasoning, cut: wish > cap }
}

/** Thinking comes in blocks of 64 tokens. */
const think = (draw: Draw, effort: string | null): number =>
  64 * Math.round(((THINKING[effort ?? 'medium'] ?? 0) * (0.5 + draw())) / 64)

/** 16 to 512 tokens, short answers more often than long ones. */
const length = (draw: Draw): number => Math.round(2 ** (4 + 5 * draw()))

const RING_WORDS = 16_384
interface Ring {
  readonly text: string
  readonly ends: Uint32Array
}
let ring: Ring | undefined

function makeRing(): Ring {
  const draw = createDraw(1)
  const plain = plainWords()
  const words = Array.from({ length: RING_WORDS }, () => plain[between(draw, 0, 1_023)] ?? ' x')
  const ends = new Uint32Array(RING_WORDS + 1)
  words.forEach((word, i) => {
    ends[i + 1] = (ends[i] ?? 0) + word.length
  })
  return { text: words.join(''), ends }
}

/** Words are cut from a ring made once, so that a long answer costs no more than a short one. */
function words(from: number, count: number): string {
  const start = from % RING_WORDS
  const here = Math.min(count, RING_WORDS - start)
  ring ??= makeRing()
  const slice = ring.text.slice(ring.ends[start], ring.ends[start + here])
  return here === count ? slice : slice + words(0, count - here)
}

const OPENING_WORDS = 4

/** Exactly `tokens` tokens. The opening words are drawn one by one, so that two requests rarely read alike. */
function textOf(draw: Draw, tokens: number): string {
  if (tokens === 0) return ''
  const opening = Math.min(OPENING_WORDS, tokens - 1)
  const plain = plainWords()
  const first = Array.from({ length: opening }, () => plain[between(draw, 0, 1_023)]).join('')
  return `The${first}${words(between(draw, 0, RING_WORDS - 1), tokens - 1 - opening)}`
}

/** Splits a text into pieces of at most `size` words, none lost. */
export function pieces(text: string, size: number): string[] {
  const parts: string[] = []
  let from = 0
  let spaces = 0
  for (let at = text.indexOf(' ', 1); at !== -1; at = text.indexOf(' ', at + 1)) {
    spaces += 1
    if (spaces % size !== 0) continue
    parts.push(text.slice(from, at))
    from = at
  }
  if (from < text.length) parts.push(text.slice(from))
  return parts
}

const CACHE_FROM_TOKENS = 1_024
const CACHE_BLOCK_TOKENS = 128

/**
 * Splits counted input the way a prompt cache would: blocks of 128 tokens of the part that comes before the last
 * message, for prompts of 1,024 tokens on. Whether it was read, written or neither is drawn.
 * @param prefix - input tokens before the last message
 */
export function cacheSplit(draw: Draw, total: number, prefix: number) {
  const luck = draw()
  const share = draw()
  if (total < CACHE_FROM_TOKENS) return { input: total, cached: 0, cacheWrite: 0 }
  const repeated = Math.max(prefix, Math.floor(share * total))
  const blocks = CACHE_BLOCK_TOKENS * Math.floor(repeated / CACHE_BLOCK_TOKENS)
  const cached = luck < 0.4 ? blocks : 0
  const cacheWrite = luck >= 0.4 && luck < 0.6 ? blocks : 0
  return { input: total - cached - cacheWrite, cached, cacheWrite }
}
