import { hash } from 'node:crypto'
import { canonicalJson } from '../canonical-json.ts'

type Part = string | number | boolean | null | readonly Part[] | { readonly [name: string]: Part }

/** Parts that stand as they are: what a person would write, and what no separator is in. */
const PLAIN = /^[\w.@-]{1,64}$/

/**
 * One key for parts of any kind: `cacheKey('course', 7, { page: 2 })`. Equal parts give equal keys, whatever the order of
 * their fields; different ones never do.
 */
export const cacheKey = (...parts: readonly Part[]): string => parts.map(partOf).join(':')

function partOf(part: Part): string {
  // A text that reads like a number is not that number.
  if (typeof part === 'number' && Number.isFinite(part)) return `#${part}`
  if (typeof part === 'string' && PLAIN.test(part)) return part
  return `~${hash('sha256', canonicalJson(part)).slice(0, 32)}`
}

/** Line ends and blanks at the end of lines change no program. Those at the beginning do, in some languages. */
const settle = (code: string): string =>
  code
    .replace(/\r\n?/g, '\n')
    .replace(/[ \t]+$/gm, '')
    .trim()

/** Names a piece of code by what it says: 32 hex digits. @param language - the same text may mean two things. */
export const codeHash = (code: string, language = ''): string =>
  hash('sha256', `${language}\n${settle(code)}`).slice(0, 32)
