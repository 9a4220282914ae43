import { createRequire } from 'node:module'
import { LRUCache } from 'lru-cache'

type Tokenizer = typeof import('gpt-tokenizer/encoding/o200k_base')

const require = createRequire(import.meta.url)
const load = (): Tokenizer => require('gpt-tokenizer/encoding/o200k_base')
let loaded: Tokenizer | undefined
/** Its tables take 200 ms and 60 MB: a server that starts has not been asked anything yet. */
const tokenizer = (): Tokenizer => {
  loaded ??= load()
  return loaded
}

const TEXT_ONLY = { disallowedSpecial: new Set<string>() }
/** Merging a run costs the square of its length: 200,000 letters took 31 s. */
const LONG_RUN = /\S{257}|\s{257}/
const SHORT_PIECES = /\s?\S{1,256}|\s{1,256}/g

// Characters, not entries: a long prompt weighs what it holds.
const counted = new LRUCache<string, number>({
  maxSize: 32_000_000,
  sizeCalculation: (_count, text) => text.length + 64,
})

const count = (text: string): number => tokenizer().countTokens(text, TEXT_ONLY)

/** @returns tokens of a text under o200k; special tokens in it count as the text they are written with. */
export function tokensOf(text: string): number {
  const known = counted.get(text)
  if (known !== undefined) return known
  const total = LONG_RUN.test(text)
    ? (text.match(SHORT_PIECES) ?? []).reduce((sum, piece) => sum + count(piece), 0)
    : count(text)
  counted.set(text, total)
  return total
}

let plain: readonly string[] | undefined

/** 1,024 words that are one token each when a space stands before them, which it does here. */
export function plainWords(): readonly string[] {
  plain ??= findWords()
  return plain
}

function findWords(): string[] {
  const words: string[] = []
  for (let id = 1_000; words.length < 1_024; id++) {
    const text = tokenizer().decode([id])
    if (/^ [a-z]{4,9}$/.test(text)) words.push(text)
  }
  return words
}
