import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { BursarError, messageOf } from '../../errors.ts'
import type { Nano } from '../../money/nano.ts'

/** What the sandbox writes for each call that it bills; other fields are not needed here. */
const BillLine = z.object({ id: z.string(), nano: z.int().min(0), attempt: z.string() })
export type BillLine = z.infer<typeof BillLine>

/** All that was billed to one attempt. */
export interface Billed {
  readonly nano: Nano
  readonly calls: number
}

/**
 * Reads a bill line by line.
 * @throws {BursarError} INVALID_FILE naming the line, or why the file cannot be read.
 */
export async function* readBill(file: string): AsyncGenerator<BillLine, void> {
  const input = createReadStream(file, 'utf8')
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  let at = 0
  try {
    for await (const text of lines) {
      at += 1
      if (text !== '') yield readLine(text, `${file}:${at}`)
    }
  } catch (error) {
    if (error instanceof BursarError) throw error
    throw new BursarError(
      'INVALID_FILE',
      `${file} cannot be read (${messageOf(error)}): give the file that the sandbox writes with --bill`,
      { cause: error },
    )
  } finally {
    lines.close()
    input.destroy()
  }
}

function readLine(text: string, place: string): BillLine {
  try {
    return BillLine.parse(JSON.parse(text))
  } catch (cause) {
    throw new BursarError(
      'INVALID_FILE',
      `${place} is no line of a bill: each is a JSON object with id, nano (whole nano-USD) and attempt`,
      { cause },
    )
  }
}
