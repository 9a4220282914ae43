import { z } from 'zod'
import type { ParsedLine } from './trace-types.ts'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Seconds or milliseconds since 1970, or ISO 8601. */
const Timestamp = z.union([z.number().positive(), z.iso.datetime({ offset: true })])

/** Later than any time in seconds, earlier than any in milliseconds, between 1973 and 5138. */
const FIRST_MS = 1e11

/**
 * Reads one OpenAI body, with `timestamp`, `user`, `tenant`, `tier` beside it when they are known. Whether the body is
 * a request is for intake to judge.
 * @throws {Error} saying what to write.
 */
export function readJsonLine(text: string): ParsedLine {
  const value = parse(text)
  if (!isObject(value)) {
    throw new Error('is no JSON object: write an OpenAI body on each line, {"model":"auto",...}')
  }
  const { timestamp, ...fields } = value
  return { atMs: readTimestamp(timestamp), recorded: { kind: 'body', fields } }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error('is no JSON: write one object on each line, without line breaks in it', {
      cause,
    })
  }
}

function readTimestamp(value: unknown): number | null {
  if (value === undefined || value === null) return null
  const read = Timestamp.safeParse(value)
  if (!read.success) {
    throw new Error('has a timestamp that is none: write ISO 8601, or seconds since 1970')
  }
  if (typeof read.data === 'string') return Date.parse(read.data)
  return Math.floor(read.data < FIRST_MS ? read.data * 1_000 : read.data)
}
