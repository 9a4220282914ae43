type ResponseJson = Readonly<Record<string, unknown>>

/** Where a provider repeats who asked, and what the request was filed under: none of it is part of the answer. */
const ECHOED = ['user', 'safety_identifier', 'metadata', 'prompt_cache_key'] as const

const isRecord = (value: unknown): value is ResponseJson =>
  typeof value === 'object' && value !== null

const says = (value: unknown): boolean =>
  isRecord(value) ? Object.keys(value).length > 0 : Boolean(value)

/** @returns `response` itself where nothing had to go. */
function cleared(response: ResponseJson): ResponseJson {
  const personal = ECHOED.filter((name) => says(response[name]))
  if (personal.length === 0) return response
  const empty = personal.map((name) => [name, name === 'metadata' ? {} : null])
  return { ...response, ...Object.fromEntries(empty) }
}

/**
 * An answer as it may be handed to whoever else asks the same: without what it repeats of the one who asked first.
 * @param json - the same as text.
 * @returns text; `json` itself where nothing had to go.
 */
export function impersonal(response: ResponseJson, json: string): string {
  const shared = cleared(response)
  return shared === response ? json : JSON.stringify(shared)
}

/** The same of a chunk of an answer that streams, and of the answer so far that an event carries. */
export function impersonalChunk(chunk: ResponseJson): ResponseJson {
  const { response } = chunk
  return isRecord(response) ? cleared({ ...chunk, response: cleared(response) }) : cleared(chunk)
}
