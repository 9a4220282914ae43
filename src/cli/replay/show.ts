import { OUTCOMES } from '../../admission/outbox.ts'
import type { Report } from '../../ledger/queries/report.ts'
import type { Nano } from '../../money/nano.ts'
import { formatUsd } from '../../money/usd.ts'
import type { Output } from '../output.ts'
import type { Tally } from '../traffic/tally.ts'
import type { ReplayResult } from './types.ts'

const CENT_NANO = 10_000_000
const cents = (nano: Nano): string => formatUsd(Math.round(nano / CENT_NANO) * CENT_NANO)

/** What stands beside the bar. */
export function progressText(
  { counts, jobs, open }: Tally,
  parked: number,
  spentNano: Nano,
  seconds: number,
): string {
  const rate = seconds > 0 ? Math.round((jobs.size - open) / seconds) : 0
  return `$${cents(spentNano)} · ${counts.cached} hits · ${parked} parked · ${counts.refused} refused · ${rate}/s`
}

const HEADER = ['requests', ...OUTCOMES, 'attempts', 'tokens in', 'tokens out', 'USD']

/** Requests by outcome, tokens and cost. What is parked has no outcome yet and stands in the summary alone. */
export function showReport(output: Output, { groupBy, rows, total }: Report): void {
  const cells = (group: string, row: Report['total']) => [
    group,
    String(Object.values(row.requests).reduce((sum, count) => sum + count, 0)),
    ...OUTCOMES.map((outcome) => String(row.requests[outcome])),
    String(row.attempts),
    String(row.inputTokens + row.cachedInputTokens + row.cacheWriteTokens),
    String(row.outputTokens + row.reasoningTokens),
    formatUsd(row.costNano),
  ]
  output.table(
    [groupBy, ...HEADER],
    [...rows.map((row) => cells(row.group || '(none)', row)), cells('total', total)],
  )
  output.line()
}

/** The sums that must agree, and what does not. */
export function showVerdict(
  output: Output,
  { summary, differences, killed, corrected }: Omit<ReplayResult, 'reports'>,
): void {
  const { requests, parked, seconds, unconfirmed } = summary
  output.table(
    ['money', 'USD'],
    [
      ['by the counters', formatUsd(summary.spentNano)],
      ['in the ledger', formatUsd(summary.ledgerNano)],
      ['on the bill', formatUsd(summary.billedNano)],
      ['still held', formatUsd(summary.heldNano)],
      ['overspent', formatUsd(summary.overspendNano)],
      ['overrun, named', formatUsd(summary.overrunNano)],
    ],
  )
  output.line()
  output.line(
    `${requests} requests in ${seconds} s, ${parked} of them parked; ${unconfirmed} entries unconfirmed`,
  )
  if (killed > 0) output.line(`${killed} workers were killed on purpose`)
  if (corrected > 0) {
    output.line(`${corrected} calls billed above their hold, unseen: settled from the bill`)
  }
  for (const { what, count, examples } of differences) {
    output.line(`${output.paint('red', `${count} ${what}`)}, e.g. ${examples.join(' | ')}`)
  }
  if (differences.length === 0) {
    output.line(output.paint('green', 'counters, ledger and bill agree'))
  }
}
