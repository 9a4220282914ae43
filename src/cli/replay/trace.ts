import { readAzureLine, startAzure } from './azure.ts'
import { invalidTrace } from './invalid-trace.ts'
import { readJsonLine } from './jsonl.ts'
import { type Line, readLines } from './lines.ts'
import type { ParsedLine, TraceFormat, TraceRow } from './trace-types.ts'

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
