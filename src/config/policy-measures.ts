import { z } from 'zod'
import { parseDuration, parseSize } from './units.ts'

const measure = (read: (text: string) => number | undefined, min: number, mend: string) =>
  z.string({ error: mend }).transform((value, context) => {
    const amount = read(value)
    if (amount !== undefined && amount >= min) return amount
    context.addIssue({ code: 'custom', message: `"${value}" is not understood: ${mend}` })
    return z.NEVER
  })

/** Milliseconds, at least 1. */
export const duration = measure(
  parseDuration,
  1,
  'write a duration such as 500ms, 90s, 5m, 1h or 7d',
)
/** Bytes, at least 1. */
export const size = measure(parseSize, 1, 'write a size such as 512B, 2KiB or 1MiB')
