import { countTokens, decode } from 'gpt-tokenizer/encoding/o200k_base'
import { LRUCache } from 'lru-cache'

const TEXT_ONLY = { disallowedSpecial: new Set<string>() }
/** Merging a run costs the square of its length: 200,000 letters took 31 s. */
const LONG_RUN = /\S{257}|\s{257}/
const SHORT_PIECES = /\s?\S{1,256}|\s{1,256}/g

// Characters, not entries: a long prompt weighs what it holds.
const counted = new LRUCache<string, number>({
  maxSize: 32_000_000,
  sizeCalculation: (_count, text) => text.length + 64,
})

const count = (text: string): number => countTokens(text, TEXT_ONLY)

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

/** Words that are one token each when a space stands before them. */
function plainWords(): string[] {
  const words: string[] = []
  for (let id = 1_000; words.length < 1_024; id++) {
    const text = decode([id])
    if (/^ [a-z]{4,9}$/.test(text)) words.push(text)
  }
  return words
}

/** ` word`, each one token. */
export const WORDS: readonly string[] = plainWords()
