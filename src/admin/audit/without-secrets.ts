/** Fields that hold a secret, or a whole text in which one may stand. */
const SECRET =
  /^(api_?key|secret|secrets|password|token|authorization|cookie|yaml|prompts|bill|messages)$/i
const MOST_TEXT = 500
const MOST_ITEMS = 50
const MOST_DEPTH = 6

/**
 * What of a command's input or answer stays on record: fields that could hold a secret are named and left out, long
 * texts and lists are cut.
 */
export function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    return value.length > MOST_TEXT ? `${value.slice(0, MOST_TEXT)}...` : value
  }
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MOST_DEPTH) return '...'
  if (Array.isArray(value)) {
    const kept = value.slice(0, MOST_ITEMS).map((one) => withoutSecrets(one, depth + 1))
    return value.length > MOST_ITEMS ? [...kept, `${value.length - MOST_ITEMS} more`] : kept
  }
  const fields = Object.entries(value).map(([name, one]) => [
    name,
    SECRET.test(name) && one !== null ? '[removed]' : withoutSecrets(one, depth + 1),
  ])
  return Object.fromEntries(fields)
}
