/** Deeper values are not written: none that an API takes is. */
const MAX_DEPTH = 16

/**
 * Writes a value so that two have the same text only when nothing tells them apart: not even what JSON leaves out or
 * writes alike (NaN and null, a missing field and an undefined one).
 * @param mostChars - longer texts are not worth their price.
 * @returns null for what is too long or too deep, and for anything but plain data.
 */
export function exactText(value: unknown, mostChars: number): string | null {
  const text = write(value, mostChars, MAX_DEPTH)
  return text !== null && text.length <= mostChars ? text : null
}

/** Each form says how long it is or where it ends, so that no two values run into the same text. */
function write(value: unknown, mostChars: number, depth: number): string | null {
  switch (typeof value) {
    case 'string':
      return value.length > mostChars ? null : `"${value.length}:${value}`
    case 'number':
      return `${value};`
    case 'boolean':
      return value ? 'T' : 'F'
    case 'undefined':
      return 'U'
    case 'object':
      if (value === null) return 'N'
      return depth === 0 ? null : writeObject(value, mostChars, depth - 1)
    default:
      return null
  }
}

function writeObject(value: object, mostChars: number, depth: number): string | null {
  if (Array.isArray(value)) {
    let text = `[${value.length}:`
    for (let at = 0; at < value.length; at += 1) {
      const item = write(value[at], mostChars, depth)
      if (item === null || text.length > mostChars) return null
      text += item
    }
    return text
  }
  const kind: unknown = Object.getPrototypeOf(value)
  if (kind !== Object.prototype && kind !== null) return null
  const names = Object.keys(value)
  let text = `{${names.length}:`
  for (const name of names) {
    const item = write(Reflect.get(value, name), mostChars, depth)
    if (item === null || text.length > mostChars) return null
    text += `${name.length}:${name}${item}`
  }
  return text
}
