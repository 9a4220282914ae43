/** Longer texts are looked at where a question stands: at either end. Characters. */
const END_CHARS = 8_192

/** Written without blanks between words. */
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** Finds one of the phrases in a text. @returns the phrase as the text has it; null = there is none. */
export type FindWords = (text: string) => string | null

/**
 * Looks for whole words and phrases, whatever their case and the blanks between them. Phrases are no patterns, so the
 * time it takes grows with the text alone.
 */
export function createFindWords(phrases: readonly string[]): FindWords {
  if (phrases.length === 0) return () => null
  const pattern = new RegExp(phrases.map(wholly).join('|'), 'iu')
  return (text) => pattern.exec(endsOf(text))?.[0] ?? null
}

function wholly(phrase: string): string {
  const words = phrase.trim().split(/\s+/u).map(escaped).join('\\s+')
  const begins = UNSPACED.test(phrase.trim().slice(0, 1)) ? '' : '(?<![\\p{L}\\p{N}])'
  const ends = UNSPACED.test(phrase.trim().slice(-1)) ? '' : '(?![\\p{L}\\p{N}])'
  return `${begins}${words}${ends}`
}

const endsOf = (text: string): string =>
  text.length <= 2 * END_CHARS
    ? text
    : `${text.slice(0, END_CHARS)}\n${text.slice(text.length - END_CHARS)}`
