/**
 * A vector is kept as providers send the shorter of its two forms: base64 of little-endian 32-bit floats.
 */
export type Vector = string

const FLOAT_BYTES = 4
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** @returns null when it is no vector in either form. */
export function readVector(embedding: unknown): Vector | null {
  if (typeof embedding === 'string') return isVector(embedding) ? embedding : null
  const isNumbers =
    Array.isArray(embedding) && embedding.length > 0 && embedding.every(Number.isFinite)
  return isNumbers ? Buffer.from(Float32Array.from(embedding).buffer).toString('base64') : null
}

const isVector = (text: string): boolean =>
  text.length % 4 === 0 && BASE64.test(text) && bytesOf(text) % FLOAT_BYTES === 0

const bytesOf = (vector: Vector): number => Buffer.byteLength(vector, 'base64')

/** How many numbers it has. */
export const dimensionsOf = (vector: Vector): number => bytesOf(vector) / FLOAT_BYTES

export function numbersOf(vector: Vector): number[] {
  // A Buffer may start anywhere in its pool, a Float32Array only at a multiple of 4.
  const copy = new Uint8Array(Buffer.from(vector, 'base64'))
  return Array.from(new Float32Array(copy.buffer, 0, Math.floor(copy.length / FLOAT_BYTES)))
}
