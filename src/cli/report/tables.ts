import type { BudgetState } from '../../admin/report/budgets.ts'
import { OUTCOMES } from '../../admission/outbox.ts'
import type { Report, ReportTotals, Saved } from '../../ledger/queries/report.ts'
import { formatUsd } from '../../money/usd.ts'
import { printable } from './printable.ts'

/** Header and rows of one table, ready for `Output.table`. */
export interface Table {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Longer tables end with a line that says how many rows are left out. */
export const MOST_ROWS = 30
const BAR_CHARS = 40

type Row = Report['rows'][number]

/** '' stands for what the ledger does not know: orphans, or no provider was asked. */
export const nameOf = (group: string): string => (group === '' ? '(none)' : printable(group))

const grouped = (value: number): string => value.toLocaleString('en-US')

export const requestsTable = (report: Report): Table =>
  tableOf(report, ['REQUESTS', ...OUTCOMES.map((outcome) => outcome.toUpperCase())], (totals) => [
    grouped(OUTCOMES.reduce((sum, outcome) => sum + totals.requests[outcome], 0)),
    ...OUTCOMES.map((outcome) => grouped(totals.requests[outcome])),
  ])

export const tokensTable = (report: Report): Table =>
  tableOf(report, ['CALLS', 'INPUT', 'CACHED', 'CACHE WRITE', 'OUTPUT', 'REASONING'], (totals) => [
    grouped(totals.attempts),
    grouped(totals.inputTokens),
    grouped(totals.cachedInputTokens),
    grouped(totals.cacheWriteTokens),
    grouped(totals.outputTokens),
    grouped(totals.reasoningTokens),
  ])

export const moneyTable = (report: Report): Table =>
  tableOf(report, ['LIST USD', 'COST USD', 'UNCONFIRMED USD', 'OVERRUN USD'], (totals) => [
    formatUsd(totals.listNano),
    formatUsd(totals.costNano),
    withCalls(totals.unconfirmed),
    withCalls(totals.overrun),
  ])

/** What answers that were used again had cost when they were paid. */
export const savedTable = (report: Report): Table =>
  tableOf(report, ['CACHED USD', 'JOINED USD', 'EMBEDDINGS USD', 'SAVED USD'], ({ savedNano }) => {
    const { cached, joined, embeddings } = savedNano
    return [cached, joined, embeddings, savedOf(savedNano)].map(formatUsd)
  })

export const savedOf = ({ cached, joined, embeddings }: Saved): number =>
  cached + joined + embeddings

const withCalls = ({ nano, attempts }: { nano: number; attempts: number }): string =>
  attempts === 0 ? '-' : `${formatUsd(nano)} in ${grouped(attempts)}`

function tableOf(
  { groupBy, rows, total }: Report,
  header: readonly string[],
  cells: (totals: ReportTotals) => readonly string[],
): Table {
  const lines = [
    [groupBy.toUpperCase(), ...header],
    ...rows.slice(0, MOST_ROWS).map((row) => [nameOf(row.group), ...cells(row)]),
    ['total', ...cells(total)],
  ]
  const [first = [], ...rest] = alignRight(lines)
  return { header: first, rows: rest }
}

/** Numbers end below each other; the first column is a name. */
function alignRight(lines: readonly (readonly string[])[]): string[][] {
  const widths: number[] = []
  for (const line of lines) {
    for (const [at, cell] of line.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  }
  return lines.map(([name = '', ...cells]) => [
    name,
    ...cells.map((cell, at) => cell.padStart(widths[at + 1] ?? 0)),
  ])
}

/** One bar for each group that cost something, as long as its share of the dearest. */
export function spendBars(rows: readonly Row[]): string[][] {
  const paid = rows.filter(({ costNano }) => costNano > 0).slice(0, MOST_ROWS)
  const most = Math.max(...paid.map(({ costNano }) => costNano))
  const sum = rows.reduce((total, { costNano }) => total + costNano, 0)
  return paid.map(({ group, costNano }) => [
    nameOf(group),
    '#'.repeat(Math.max(1, Math.round((costNano / most) * BAR_CHARS))).padEnd(BAR_CHARS),
    formatUsd(costNano),
    `${Math.round((costNano / sum) * 100)}%`,
  ])
}

export const budgetsTable = (windows: readonly BudgetState[]): Table => ({
  header: ['BUDGET', 'WINDOW', 'USED', 'SPENT USD', 'HELD USD', 'LIMIT USD', 'ENDS'],
  rows: windows
    .slice(0, MOST_ROWS)
    .map((state) => [
      printable(state.budget),
      state.window,
      state.usedPercent === null ? '-' : `${state.usedPercent}%`,
      formatUsd(state.spentNano),
      formatUsd(state.heldNano),
      state.warnOnly ? `${formatUsd(state.limitNano)} (warns)` : formatUsd(state.limitNano),
      state.endsAt,
    ]),
})
