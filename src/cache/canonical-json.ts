import stringify from 'safe-stable-stringify'

const canonical = stringify.configure({
  deterministic: true,
  circularValue: Error,
  bigint: false,
  strict: true,
})

/**
 * One text for every way of writing the same JSON value: keys sorted, no blanks, numbers as JavaScript prints them.
 * @throws {TypeError} for what JSON cannot say (cycles, bigint, non-finite numbers).
 */
export const canonicalJson = (value: unknown): string => canonical(value) ?? 'null'
