import { formatUsd } from '../../money/usd.ts'
import type { BilledCall } from './bill-sums.ts'
import type { BillCheck } from './compare-bill.ts'
import { Comparison } from './comparison.ts'
import { Findings } from './findings.ts'
import type { Verification } from './verify.ts'

/**
 * Looks again for costs that the bill did not have when it was read: a call that ended meanwhile is on it now. What is
 * still missing is a violation.
 * @param lines - the same bill, read anew; not asked for when nothing is missing.
 */
export async function lookAgain(
  verification: Verification,
  lines: () => AsyncIterable<BilledCall>,
): Promise<Verification> {
  const { bill } = verification
  if (!bill || bill.unbilled.length === 0) return verification
  const findings = new Findings(verification)
  const found = await judgeUnbilled(bill, lines(), findings)
  return { ...verification, ...findings.all(), bill: found }
}

async function judgeUnbilled(
  bill: BillCheck,
  lines: AsyncIterable<BilledCall>,
  findings: Findings,
): Promise<BillCheck> {
  const comparison = new Comparison(findings, bill)
  const wanted = new Map(bill.unbilled.map((booking) => [booking.attempt, booking]))
  for await (const { attempt, nano } of lines) {
    const booking = wanted.get(attempt)
    if (booking) comparison.judge(booking, nano)
    wanted.delete(attempt)
  }
  for (const { attempt, bookedNano } of wanted.values()) {
    findings.add('not-billed', attempt, `booked ${formatUsd(bookedNano)}`)
  }
  return { ...bill, ...comparison.result(), unbilled: [] }
}
