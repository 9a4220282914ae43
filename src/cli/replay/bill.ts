import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { BursarError } from '../../errors.ts'
import type { Nano } from '../../money/nano.ts'

const Line = z.object({ attempt: z.string(), nano: z.int().min(0), model: z.string() })

/** One call as the provider billed it; `attempt` '' = it was told none. */
export type BilledCall = z.infer<typeof Line>

/**
 * Reads the sandbox's bill.
 * @throws {BursarError} INVALID_FILE naming the line that is none.
 */
export async function readBill(file: string): Promise<BilledCall[]> {
  const calls: BilledCall[] = []
  let number = 0
  for await (const text of createInterface({ input: createReadStream(file) })) {
    number += 1
    if (text !== '') calls.push(readCall(text, `${file}:${number}`))
  }
  return calls
}

function readCall(text: string, place: string): BilledCall {
  try {
    return Line.parse(JSON.parse(text))
  } catch (cause) {
    const message = `${place} is no line of a sandbox's bill: it was written by somebody else`
    throw new BursarError('INVALID_FILE', message, { cause })
  }
}

/** What the provider billed for each attempt, nano-USD. */
export function billByAttempt(bill: readonly BilledCall[]): Map<string, Nano> {
  const billed = new Map<string, Nano>()
  for (const { attempt, nano } of bill) billed.set(attempt, (billed.get(attempt) ?? 0) + nano)
  return billed
}
