import type { Outcome } from '../../admission/outbox.ts'
import type { Report } from '../../ledger/queries/report.ts'
import type { Nano } from '../../money/nano.ts'
import { formatUsd } from '../../money/usd.ts'
import type { Colour, Output } from '../output.ts'
import type { Difference } from '../traffic/evidence.ts'
import type { Summary } from '../traffic/judge.ts'
import { bar, shares, sparkline } from './chart.ts'
import type { Seen } from './seen.ts'

/** What a demo came to: the object of `--json`. Money in nano-USD. */
export interface DemoSummary extends Summary {
  /** What answers from the cache and joined ones cost whoever paid for them. */
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

type End = Extract<Outcome, 'answered' | 'cached' | 'joined' | 'refused' | 'failed'> | 'parked'

/** How a request can stand in the end, in the order of the report. */
export const ENDS: readonly {
  readonly end: End
  readonly word: string
  readonly colour: Colour
}[] = [
  { end: 'answered', word: 'answered', colour: 'green' },
  { end: 'cached', word: 'from cache', colour: 'cyan' },
  { end: 'joined', word: 'joined', colour: 'blue' },
  { end: 'parked', word: 'parked', colour: 'yellow' },
  { end: 'refused', word: 'refused', colour: 'red' },
  { end: 'failed', word: 'failed', colour: 'dim' },
]

/** Columns of the tables, after the group's own. */
export const COLUMNS = {
  tier: ['answered', 'from cache', 'joined', 'refused', 'USD'],
  model: ['calls', 'USD'],
} as const

const WIDTH_CELLS = 72
const CENT_NANO = 10_000_000
const cents = (nano: Nano): string => `$${(Math.round(nano / CENT_NANO) / 100).toFixed(2)}`

/** So that a column of them is even; the sum that has to agree is shown to the last digit. */
const dollars = (nano: Nano): string => (nano / 1e9).toFixed(4)

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
  const { line } = output
  line()
  showEnds(output, result.summary)
  line()
  showSpending(output, result)
  line()
  showTiers(output, result.byTier)
  line()
  showModels(output, result.byModel)
  line()
  showVerdict(output, result)
}

function showEnds({ line, paint }: Output, summary: DemoSummary): void {
  const counts = ENDS.map(({ end }) => summary[end])
  const cells = shares(counts, WIDTH_CELLS)
  line(`${paint('bold', `${summary.requests} requests`)} in ${summary.seconds} s`)
  line(ENDS.map(({ colour }, at) => paint(colour, '█'.repeat(cells[at] ?? 0))).join(''))
  line(
    ENDS.map(({ word, colour }, at) => `${paint(colour, '■')} ${counts[at]} ${word}`).join('   '),
  )
}

function showSpending({ line, paint }: Output, { summary, seen }: DemoResult): void {
  const label = (text: string) => paint('dim', text.padEnd(8))
  line(`${label('spent')}${paint('bold', cents(summary.spentNano))}  ${sparkline(seen.bySecond)}`)
  line(
    `${label('saved')}${paint('bold', cents(summary.savedNano))}  by answers that others had paid for`,
  )
  line(
    `${label('spared')}${paint('bold', String(summary.steppedDown).padEnd(5))}  answers stepped down to a cheaper model as a budget ran low`,
  )
}

function showTiers({ table, paint }: Output, { rows, total }: Report): void {
  const highest = Math.max(...rows.map(({ costNano }) => costNano), 0)
  const cells = (name: string, { requests, costNano }: Report['total']) => [
    name,
    ...[requests.answered, requests.cached, requests.joined, requests.refused].map(String),
    dollars(costNano),
  ]
  table(
    ['tier', ...COLUMNS.tier, ''],
    [
      ...rows.map((row) => [
        ...cells(nameOf(row), row),
        paint('green', bar(row.costNano, highest)),
      ]),
      cells('total', total),
    ],
  )
}

function showModels({ table, paint }: Output, { rows: all }: Report): void {
  const rows = all.filter(({ attempts }) => attempts > 0)
  const highest = Math.max(...rows.map(({ costNano }) => costNano), 0)
  table(
    ['model', ...COLUMNS.model, ''],
    rows.map((row) => [
      nameOf(row),
      String(row.attempts),
      dollars(row.costNano),
      paint('green', bar(row.costNano, highest)),
    ]),
  )
}

const nameOf = ({ group }: Report['rows'][number]): string => group || '(none)'

function showVerdict({ line, paint }: Output, { summary, differences }: DemoResult): void {
  for (const { what, count, examples } of differences) {
    line(`${paint('red', `✘ ${count} ${what}`)}, e.g. ${examples.join(' | ')}`)
  }
  if (differences.length > 0) return
  const { ledgerNano, overspendNano, heldNano } = summary
  line(
    paint('green', `✔ counters, ledger and the provider's bill agree: $${formatUsd(ledgerNano)}`),
  )
  line(paint('dim', `  overspent $${formatUsd(overspendNano)}, still held $${formatUsd(heldNano)}`))
}
