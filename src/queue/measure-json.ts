import { BursarError } from '../errors.ts'

/** Deeper than any request an API takes, far from the end of the stack. */
const MAX_DEPTH = 64
const HALF_CHARACTER = /\p{Surrogate}/u

/**
 * Measures a value as JSON without writing it: UTF-8 bytes, escapes not counted.
 * @param path - where the value stands, for the message.
 * @throws {BursarError} INVALID_REQUEST naming the place of what JSON cannot carry: a cycle or too deep a nest, a
 * BigInt, NaN, a function, half a character.
 */
export function measureJson(value: unknown, path: string, depth = 0): number {
  switch (typeof value) {
    case 'string':
      if (HALF_CHARACTER.test(value)) {
        throw refuse(path, 'ends or starts in half a character: cut text by characters')
      }
      return Buffer.byteLength(value) + 2
    case 'number':
      if (!Number.isFinite(value)) throw refuse(path, `is ${value}: send a finite number`)
      return 8
    case 'boolean':
    case 'undefined':
      return 5
    case 'object':
      return measureObject(value, path, depth)
    default:
      throw refuse(path, `is a ${typeof value}, which JSON cannot carry`)
  }
}

function measureObject(value: object | null, path: string, depth: number): number {
  if (value === null) return 4
  if (depth >= MAX_DEPTH) {
    throw refuse(path, `is nested deeper than ${MAX_DEPTH} levels: remove the cycle or flatten it`)
  }
  let bytes = 2
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) {
      bytes += 1 + measureJson(item, `${path}[${at}]`, depth + 1)
    }
    return bytes
  }
  for (const [key, item] of Object.entries(value)) {
    bytes += key.length + 4 + measureJson(item, `${path}.${key}`, depth + 1)
  }
  return bytes
}

const refuse = (path: string, what: string): BursarError =>
  new BursarError('INVALID_REQUEST', `${path} ${what}`, { detail: { path } })
