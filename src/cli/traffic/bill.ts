import type { Nano } from '../../money/nano.ts'
import { type BillLine, readBill } from '../verify/bill.ts'

/** One call as the provider billed it; `attempt` '' = it was told none. */
export type BilledCall = Pick<BillLine, 'attempt' | 'nano'>

/** Reads a whole bill. @throws {BursarError} INVALID_FILE naming the line that is none. */
export async function wholeBill(file: string): Promise<BilledCall[]> {
  const calls: BilledCall[] = []
  for await (const { attempt, nano } of readBill(file)) calls.push({ attempt, nano })
  return calls
}

/** What the provider billed for each attempt, nano-USD. */
export function billByAttempt(bill: readonly BilledCall[]): Map<string, Nano> {
  const billed = new Map<string, Nano>()
  for (const { attempt, nano } of bill) billed.set(attempt, (billed.get(attempt) ?? 0) + nano)
  return billed
}
