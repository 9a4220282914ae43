import { createReadStream } from 'node:fs'
import { messageOf } from '../../errors.ts'
import { invalidTrace } from './invalid-trace.ts'

export interface Line {
  /** From 1. */
  readonly number: number
  readonly text: string
}

const NEWLINE = 0x0a
/** Longer than any body that a policy allows by default; a file without line breaks must not fill the memory. */
const MAX_LINE_BYTES = 64 * 1024 * 1024

/**
 * Reads a file line by line, in bounded memory, without byte order mark, line ends and empty lines.
 * @throws {BursarError} INVALID_TRACE when it cannot be read, or naming the line that is no UTF-8.
 */
export async function* readLines(file: string): AsyncGenerator<Line, void> {
  let number = 0
  for await (const bytes of byteLines(file)) {
    number += 1
    const text = decode(bytes, file, number)
    if (text.trim() !== '') yield { number, text }
  }
}

async function* byteLines(file: string): AsyncGenerator<Buffer, void> {
  let parts: Buffer[] = []
  let size = 0
  let ended = 0
  for await (const chunk of chunksOf(file)) {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, to)])
      ended += 1
      parts = []
      size = 0
      from = to + 1
    }
    parts.push(chunk.subarray(from))
    size += chunk.length - from
    if (size > MAX_LINE_BYTES) {
      throw invalidTrace(file, ended + 1, 'is above 64 MiB: write one request on each line')
    }
  }
  if (size > 0) yield Buffer.concat(parts)
}

async function* chunksOf(file: string): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of createReadStream(file)) yield chunk
  } catch (cause) {
    throw invalidTrace(file, null, `cannot be read (${messageOf(cause)}): give the path of a trace`)
  }
}

// It drops a byte order mark by itself, and throws at the first byte that is no UTF-8.
const utf8 = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Buffer, file: string, number: number): string {
  try {
    return utf8.decode(bytes).replace(/\r$/, '')
  } catch {
    throw invalidTrace(file, number, 'is no valid UTF-8: save the file as UTF-8')
  }
}
