import type { z } from 'zod'

/**
 * Chooses a reply's schema by its first word, as the scripts write it: a union tries one after the other, and makes up an
 * error for each that does not fit.
 * @returns for a reply without a known word, the last schema: it says what was expected.
 */
export function byFirstWord<S extends z.ZodType>(
  schemas: Readonly<Record<string, S>>,
): (raw: unknown) => S {
  const known = new Map<unknown, S>(Object.entries(schemas))
  const last = [...known.values()].at(-1)
  if (!last) throw new RangeError('a reply has at least one form')
  return (raw) => (Array.isArray(raw) ? known.get(raw[0]) : undefined) ?? last
}
