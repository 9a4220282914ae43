import { hash } from 'node:crypto'
import { canonicalJson } from '../canonical-json.ts'

/** The user who asked first, as a label beside the request's tags. */
export const USER = 'bursar.user'

/** 16 hex digits for what an answer depends on: names of people stay out of keys. */
export const labelOf = (name: string, value: string): string =>
  hash('sha256', canonicalJson([name, value])).slice(0, 16)

/** @param tag - `feature=tutor`, as people write it; without a value the tag is any text. */
export function labelOfTag(tag: string): string {
  const at = tag.indexOf('=')
  return at < 0 ? labelOf(tag, '') : labelOf(tag.slice(0, at), tag.slice(at + 1))
}
