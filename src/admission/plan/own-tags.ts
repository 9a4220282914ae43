/**
 * Tags that Bursar writes itself: they travel and are kept as every tag is, and a caller's own may not be called so.
 * `key` is the id of the API key that a request came with.
 */
export const OWN_TAGS = {
  session: 'bursar.session',
  run: 'bursar.run',
  key: 'bursar.key',
} as const

/** The key of the answer that a request is about, while the policy lets prompts be learned. */
export const PROMPT_TAG = 'bursar.prompt'

export type OwnScope = keyof typeof OWN_TAGS

const PREFIX = 'bursar.'
export const isOwnTag = (name: string): boolean => name.startsWith(PREFIX)
