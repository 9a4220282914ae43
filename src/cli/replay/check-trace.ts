import type { Policy } from '../../config/policy-types.ts'
import { messageOf } from '../../errors.ts'
import { readRequest } from '../../queue/request.ts'
import { invalidTrace } from './invalid-trace.ts'
import { createSpread } from './spread.ts'
import { readTrace } from './trace.ts'
import type { TraceFormat } from './trace-types.ts'

/** A trace of which every line is a request. */
export interface CheckedTrace {
  readonly file: string
  readonly format: TraceFormat
  /** When the first line that names no time happens, UTC ms. */
  readonly startMs: number
  readonly rows: number
  /** When the first request happens, UTC ms. */
  readonly firstMs: number
}

/**
 * Reads a whole trace and judges each line as intake would, before anything is spent.
 * @param told - called with the number of rows now and then.
 * @throws {BursarError} INVALID_TRACE naming the first wrong line and its mend, or that there is none at all.
 */
export async function checkTrace(
  file: string,
  format: TraceFormat,
  policy: Policy,
  told: (rows: number) => void,
): Promise<CheckedTrace> {
  const startMs = Date.now()
  // Who asks is no matter here, only whether what is asked can be asked.
  const spread = createSpread({ policy, seed: 1, rows: 1 })
  let rows = 0
  let firstMs = startMs
  for await (const row of readTrace(file, format, startMs)) {
    try {
      readRequest(spread(row).input, policy, row.atMs)
    } catch (error) {
      throw invalidTrace(file, row.line, `is no request: ${messageOf(error)}`, error)
    }
    if (rows === 0) firstMs = row.atMs
    rows += 1
    if (rows % TELL_EVERY === 0) told(rows)
  }
  if (rows === 0) throw invalidTrace(file, null, 'has no requests: give a trace with at least one')
  return { file, format, startMs, rows, firstMs }
}

const TELL_EVERY = 5_000
