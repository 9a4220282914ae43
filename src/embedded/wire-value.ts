/** What the protocol carries: text, bytes or null. */
export type WireValue = string | Uint8Array | null

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

const hex = (bytes: ArrayBufferView): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')

/**
 * Writes a parameter as node-postgres does: arrays as array literals, dates as instants, other objects as JSON.
 * `undefined` is null.
 */
export function toWireValue(value: unknown): WireValue {
  if (value === null || value === undefined) return null
  if (typeof value !== 'object') return String(value)
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  }
  if (value instanceof Date) return value.toISOString()
  return Array.isArray(value) ? arrayLiteral(value) : JSON.stringify(value)
}

const arrayLiteral = (items: readonly unknown[]): string => `{${items.map(element).join(',')}}`

function element(item: unknown): string {
  if (Array.isArray(item)) return arrayLiteral(item)
  if (ArrayBuffer.isView(item)) return `"\\\\x${hex(item)}"`
  const text = toWireValue(item)
  return typeof text === 'string' ? quoted(text) : 'NULL'
}
