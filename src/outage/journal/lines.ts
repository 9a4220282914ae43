import { hash } from 'node:crypto'
import type { z } from 'zod'

const SUM_DIGITS = 16
const sumOf = (text: string): string => hash('sha256', text, 'hex').slice(0, SUM_DIGITS)

/** One line: checksum, blank, JSON. */
export function writeLine(record: unknown): string {
  const text = JSON.stringify(record)
  return `${sumOf(text)} ${text}\n`
}

/** What a file has, as far as it can be trusted. */
export interface ReadJournal<R> {
  readonly records: readonly R[]
  /** Bytes of them; what follows is torn. */
  readonly bytes: number
  /** Something whole stands behind what cannot be read: the file was damaged, not torn. */
  readonly isDamaged: boolean
}

/**
 * Reads lines up to the first that is torn: nobody ever acted upon that one.
 * @throws {z.ZodError} a line that is whole is no record of this schema.
 */
export function readLines<R>(text: string, schema: z.ZodType<R>): ReadJournal<R> {
  const lines = text.split('\n')
  const records: R[] = []
  let bytes = 0
  for (const [at, line] of lines.entries()) {
    const json = at === lines.length - 1 ? null : wholeOf(line)
    if (json === null) {
      const isDamaged = lines.slice(at + 1, -1).some((later) => wholeOf(later) !== null)
      return { records, bytes, isDamaged }
    }
    records.push(schema.parse(JSON.parse(json)))
    bytes += Buffer.byteLength(line) + 1
  }
  return { records, bytes, isDamaged: false }
}

/** The JSON of a line that is as it was written; null = it is not. */
function wholeOf(line: string): string | null {
  const text = line.slice(SUM_DIGITS + 1)
  return line.slice(0, SUM_DIGITS) === sumOf(text) && line[SUM_DIGITS] === ' ' ? text : null
}
