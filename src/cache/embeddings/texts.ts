import { hash } from 'node:crypto'
import { canonicalJson } from '../canonical-json.ts'
import { type Wall, writeKey } from '../walls.ts'

/** What one vector is of: a text, or its tokens. */
export type Text = string | readonly number[]

/** What beside the text decides about a vector. */
export interface Embedder {
  readonly wall: Wall
  /** Of the policy: another one forgets everything. */
  readonly prefix: string
  readonly provider: string
  /** As the provider calls it. */
  readonly model: string
  /** Of the request; `dimensions`, and whatever this version does not know, tell vectors apart. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Bumped when what is kept, or this hash, changes its meaning: what was kept before is then unknown. */
const VERSION = 1

/** Fields that change nothing about a vector: the text has its own part, and numbers and base64 say the same. */
const APART = new Set(['model', 'input', 'encoding_format', 'user', 'metadata'])

/** @returns the texts of a request's `input`, in their order; null when it has a form that this version does not know. */
export function textsOf(input: unknown): readonly Text[] | null {
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input) || input.length === 0) return null
  const texts: readonly unknown[] = input.every(isToken) ? [input] : input
  return texts.every(isText) ? texts : null
}

const isToken = (value: unknown): value is number => typeof value === 'number'

const isTokens = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length > 0 && value.every(isToken)

const isText = (value: unknown): value is Text => typeof value === 'string' || isTokens(value)

/** @returns the key of each text's vector, `<wall>:<hash>`; the same text has the same one. */
export function vectorKeys(texts: readonly Text[], embedder: Embedder): string[] {
  const { wall, prefix, provider, model, body } = embedder
  const rest = Object.entries(body).filter(
    ([name, value]) => !APART.has(name) && value !== null && value !== undefined,
  )
  const question = { prefix, of: wall.of, provider, model, body: Object.fromEntries(rest) }
  const asked = `${VERSION}\n${canonicalJson(question)}`
  return texts.map((text) =>
    writeKey(wall, hash('sha256', `${asked}\n${JSON.stringify(text)}`, 'hex')),
  )
}

/** How large a share of a batch's cost a text has, about: whoever knows tokens only of the batch cannot say it better. */
export const weightOf = (text: Text): number =>
  Math.max(typeof text === 'string' ? Buffer.byteLength(text) : text.length, 1)
