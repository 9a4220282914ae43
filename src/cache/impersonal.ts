type ResponseJson = Readonly<Record<string, unknown>>

/** Where a provider repeats who asked, and what the request was filed under: none of it is part of the answer. */
const ECHOED = ['user', 'safety_identifier', 'metadata', 'prompt_cache_key'] as const

const says = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)

/**
 * An answer as it may be handed to whoever else asks the same: without what it repeats of the one who asked first.
 * @param json - the same as text.
 * @returns text; `json` itself where nothing had to go.
 */
export function impersonal(response: ResponseJson, json: string): string {
  const personal = ECHOED.filter((name) => says(response[name]))
  if (personal.length === 0) return json
  const cleared = personal.map((name) => [name, name === 'metadata' ? {} : null])
  return JSON.stringify({ ...response, ...Object.fromEntries(cleared) })
}
