type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Sent whole, and sometimes more than once. */
const WHOLE = new Set(['role', 'id', 'type', 'name'])

/**
 * Adds one delta of a chat stream to the message so far: texts grow, lists of parts with an `index` merge part by part,
 * other lists grow, anything else is replaced. Fields nobody here knows (reasoning texts, say) follow the same rule.
 */
export function mergeDelta(message: Json, delta: Json): void {
  for (const [key, value] of Object.entries(delta)) {
    if (key === '__proto__') continue
    message[key] = merged(key, message[key], value)
  }
}

function merged(key: string, before: unknown, value: unknown): unknown {
  if (value === null || value === undefined) return before ?? null
  if (typeof value === 'string' && typeof before === 'string' && !WHOLE.has(key))
    return before + value
  if (Array.isArray(value)) return mergeList(Array.isArray(before) ? before : [], value)
  if (!isObject(value)) return value
  const target = isObject(before) ? before : {}
  mergeDelta(target, value)
  return target
}

function mergeList(before: unknown[], added: readonly unknown[]): unknown[] {
  for (const item of added) {
    if (!isObject(item) || typeof item.index !== 'number') {
      before.push(item)
      continue
    }
    const part = before.find((known) => isObject(known) && known.index === item.index)
    if (isObject(part)) mergeDelta(part, item)
    else before.push(structuredClone(item))
  }
  return before
}

/** All that a model wrote in a delta, wherever it stands: names and ids are not its words. */
export function writtenIn(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(writtenIn).join('')
  if (!isObject(value)) return ''
  return Object.entries(value)
    .map(([key, part]) => (WHOLE.has(key) ? '' : writtenIn(part)))
    .join('')
}
