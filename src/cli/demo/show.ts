import type { Report } from '../../ledger/queries/report.ts'
import type { Nano } from '../../money/nano.ts'
import { formatUsd } from '../../money/usd.ts'
import type { Output } from '../output.ts'
import type { Difference } from '../traffic/evidence.ts'
import type { Summary } from '../traffic/judge.ts'
import { bar, sparkline } from './chart.ts'
import type { Seen } from './play.ts'

/** What a demo came to: the object of `--json`. Money in nano-USD. */
export interface DemoSummary extends Summary {
  /** What the answers from the cache cost when they were paid for. */
  readonly savedNano: Nano
  /** Answers of a cheaper model, because a budget came near its end. */
  readonly steppedDown: number
}

export interface DemoResult {
  readonly summary: DemoSummary
  readonly seen: Seen
  readonly byTier: Report
  readonly byModel: Report
  /** Empty = counters, ledger and bill agree. */
  readonly differences: readonly Difference[]
}

const CENT_NANO = 10_000_000
const cents = (nano: Nano): string => `$${formatUsd(Math.round(nano / CENT_NANO) * CENT_NANO)}`

/** What stands beside the progress bar. */
export const liveText = (seen: Seen, parked: number): string =>
  [
    `${cents(seen.spentNano)} spent`,
    `${cents(seen.savedNano)} saved`,
    `${seen.steppedDown} stepped down`,
    `${parked} parked`,
    `${seen.tally.counts.refused} refused`,
  ].join(' · ')

/** The report: what was asked, what it cost, what was saved, and whether everybody agrees about it. */
export function showDemo(output: Output, result: DemoResult): void {
  const { line, paint } = output
  showOutcomes(output, result)
  line()
  showSpending(output, result)
  line()
  showGroups(output, result.byTier)
  line()
  showGroups(output, result.byModel)
  line()
  for (const { what, count, examples } of result.differences) {
    line(`${paint('red', `${count} ${what}`)}, e.g. ${examples.join(' | ')}`)
  }
  if (result.differences.length === 0) {
    const { ledgerNano } = result.summary
    line(
      paint('green', `counters, ledger and the provider's bill agree: $${formatUsd(ledgerNano)}`),
    )
  }
}

function showOutcomes({ table }: Output, { summary }: DemoResult): void {
  const { requests, answered, cached, joined, parked, refused, failed, steppedDown } = summary
  table(
    ['requests', 'answered', 'from cache', 'joined', 'stepped down', 'parked', 'refused', 'failed'],
    [[requests, answered, cached, joined, steppedDown, parked, refused, failed].map(String)],
  )
}

function showSpending({ line, paint }: Output, { summary, seen }: DemoResult): void {
  const spark = sparkline(seen.bySecond)
  line(`${paint('dim', 'spent each second')}  ${spark}  ${cents(summary.spentNano)}`)
  line(
    `${paint('dim', 'saved by cache   ')}  ${cents(summary.savedNano)}, overspent $${formatUsd(summary.overspendNano)}, still held $${formatUsd(summary.heldNano)}`,
  )
}

function showGroups({ table }: Output, { groupBy, rows: all }: Report): void {
  const rows = all.filter(({ attempts }) => attempts > 0)
  const highest = Math.max(...rows.map(({ costNano }) => costNano), 0)
  table(
    [groupBy, 'calls', 'USD', ''],
    rows.map(({ group, attempts, costNano }) => [
      group || '(none)',
      String(attempts),
      formatUsd(costNano),
      bar(costNano, highest),
    ]),
  )
}

/** What a newcomer may want to do now. */
export function showNext({ line, paint }: Output): void {
  line()
  line(paint('bold', 'Next'))
  line(
    '  npm start          the service, with nothing else installed; docs/api.md has a first call',
  )
  line('  edit bursar.yaml   your tiers, budgets and models; a running service reloads it')
  line('  README.md          the same on Redis and PostgreSQL, with any number of workers')
}
