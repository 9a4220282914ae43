import { createRequire } from 'node:module'
import { LRUCache } from 'lru-cache'

/** `o200k` of every model since gpt-4o, `cl100k` of gpt-4, gpt-3.5 and the embedding models. */
export type Encoding = 'o200k' | 'cl100k'

type Api = Pick<
  typeof import('gpt-tokenizer/encoding/o200k_base'),
  'countTokens' | 'setMergeCacheSize'
>
type CountTokens = Api['countTokens']

// The tables take 200 ms and 60 MB: they are read at the first count, and counting stays synchronous.
const require = createRequire(import.meta.url)

function load(encoding: Encoding): CountTokens {
  const o200k: () => Api = () => require('gpt-tokenizer/encoding/o200k_base')
  const cl100k: () => Api = () => require('gpt-tokenizer/encoding/cl100k_base')
  const api = encoding === 'o200k' ? o200k() : cl100k()
  api.setMergeCacheSize(MERGE_CACHE_WORDS)
  return api.countTokens
}

/** `<|endoftext|>` in a text is text: nothing is special, nothing is refused. */
const AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() }

// Merging one word takes the square of its length (4,000 letters: 16 ms), so longer ones are cut.
const MAX_WORD_CHARS = 64
const SLICE_CHARS = 2_048
/** A cut may part what would have merged: measured on prose and noise, never more than this. */
const TOKENS_PER_CUT = 1

// The package's default of 100,000 gets slow once it is full: dropping the oldest word scans the dropped ones.
const MERGE_CACHE_WORDS = 512

// Counting takes 0.2 us a character, finding a known text a nanosecond.
const MIN_CACHED_CHARS = 64
const MAX_CACHED_CHARS = 65_536
const CACHE_CHARS = 4_194_304

/**
 * What one request may still cost to count. A token that stands for less than four characters is dense: only noise,
 * binary data and scripts with many tokens have many of them, and each takes up to 5 us.
 */
export interface Allowance {
  chars: number
  denseTokens: number
}

/** 400,000 characters of prose take 15 ms; noise is given up after 100 to 300 ms. */
export const newAllowance = (): Allowance => ({ chars: 400_000, denseTokens: 20_000 })

const PLAIN_CHARS_PER_TOKEN = 4

interface Tokenizer {
  readonly count: CountTokens
  /** text -> tokens, by least recent use, bounded by characters */
  readonly known: LRUCache<string, number>
}

const tokenizers = new Map<Encoding, Tokenizer>()

function tokenizerOf(encoding: Encoding): Tokenizer {
  const loaded = tokenizers.get(encoding)
  if (loaded) return loaded
  const tokenizer = {
    count: load(encoding),
    known: new LRUCache<string, number>({
      maxSize: CACHE_CHARS,
      sizeCalculation: (_, text) => text.length,
    }),
  }
  tokenizers.set(encoding, tokenizer)
  return tokenizer
}

/** Reads the tables now, so that the first request does not wait for them. Idempotent. */
export function warmTokenizer(encoding: Encoding = 'o200k'): void {
  tokenizerOf(encoding)
}

/** Tokens of a text, or a bound of them. */
export interface TextCount {
  readonly tokens: number
  /** False = bounded: what was left when the allowance ended counts one token for each byte of UTF-8. */
  readonly exact: boolean
}

/**
 * Counts the tokens of a text; special tokens in it are plain text. Words above 64 characters are counted in pieces,
 * rounded up.
 * @param allowance - shared by the texts of one request, and used up by them.
 */
export function countText(text: string, encoding: Encoding, allowance: Allowance): TextCount {
  const { count, known } = tokenizerOf(encoding)
  const keep = text.length >= MIN_CACHED_CHARS && text.length <= MAX_CACHED_CHARS
  const before = keep ? known.get(text) : undefined
  if (before !== undefined) return { tokens: before, exact: true }
  let tokens = 0
  let start = 0
  for (const end of cuts(text)) {
    if (allowance.chars <= 0 || allowance.denseTokens <= 0) {
      return { tokens: tokens + Buffer.byteLength(text.slice(start)), exact: false }
    }
    const piece = start === 0 && end === text.length ? text : text.slice(start, end)
    const inPiece = count(piece, AS_TEXT) + (start === 0 ? 0 : TOKENS_PER_CUT)
    allowance.chars -= piece.length
    allowance.denseTokens -= Math.max(0, inPiece - piece.length / PLAIN_CHARS_PER_TOKEN)
    tokens += inPiece
    start = end
  }
  if (keep) known.set(text, tokens)
  return { tokens, exact: true }
}

/** Ends of the pieces that a text is counted in: inside words that are too long, else before a blank. */
function* cuts(text: string): Generator<number> {
  let start = 0
  let runStart = 0
  let runIsBlank = false
  for (let i = 0; i < text.length; i++) {
    const isBlank = text.charCodeAt(i) <= 0x20
    const runEnds = isBlank !== runIsBlank
    const tooLong = !runEnds && i - runStart >= MAX_WORD_CHARS && !isLowSurrogate(text, i)
    if (runEnds || tooLong) runStart = i
    if (tooLong || (runEnds && isBlank && i - start >= SLICE_CHARS)) {
      yield i
      start = i
    }
    runIsBlank = isBlank
  }
  if (start < text.length) yield text.length
}

const isLowSurrogate = (text: string, at: number): boolean =>
  (text.charCodeAt(at) & 0xfc00) === 0xdc00
