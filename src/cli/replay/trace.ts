import { readAzureLine, startAzure } from './azure.ts'
import { invalidTrace } from './invalid-trace.ts'
import { readJsonLine } from './jsonl.ts'
import { type Line, readLines } from './lines.ts'

export const TRACE_FORMATS = ['azure', 'jsonl'] as const
export type TraceFormat = (typeof TRACE_FORMATS)[number]

/** What a line says of its request: sizes alone, or a whole body with what stands beside it. */
export type Recorded =
  | { readonly kind: 'sizes'; readonly inputTokens: number; readonly outputTokens: number }
  | { readonly kind: 'body'; readonly fields: Readonly<Record<string, unknown>> }

/** One request of a trace. */
export interface TraceRow {
  /** From 0. */
  readonly index: number
  /** Line of the file, from 1. */
  readonly line: number
  /** UTC ms. */
  readonly atMs: number
  readonly recorded: Recorded
}

/** A line as its format reads it; `atMs` null = it names no time. */
export interface ParsedLine {
  readonly atMs: number | null
  readonly recorded: Recorded
}

/** Reads one line. @throws {Error} whose message goes on after the place, and says what to write. */
type LineReader = (text: string) => ParsedLine

/** Between lines that name no time, ms. */
const STEP_MS = 100

/**
 * Reads a trace as a stream, oldest line first.
 * @param startMs - time of a first line that names none.
 * @throws {BursarError} INVALID_TRACE naming the first line that cannot be read, and the mend.
 */
export async function* readTrace(
  file: string,
  format: TraceFormat,
  startMs: number,
): AsyncGenerator<TraceRow, void> {
  let index = 0
  let lastMs = startMs - STEP_MS
  let read: LineReader | null = format === 'jsonl' ? readJsonLine : null
  for await (const line of readLines(file)) {
    if (read === null) {
      at(file, line, () => startAzure(line.text))
      read = readAzureLine
      continue
    }
    const reader = read
    const parsed = at(file, line, () => reader(line.text))
    lastMs = parsed.atMs ?? lastMs + STEP_MS
    yield { index, line: line.number, atMs: lastMs, recorded: parsed.recorded }
    index += 1
  }
}

function at<T>(file: string, line: Line, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw invalidTrace(file, line.number, message, error)
  }
}
