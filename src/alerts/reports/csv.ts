import { formatUsd } from '../../money/usd.ts'
import type { ReportFacts, ReportRow } from '../notice.ts'
import { clean } from '../templates/words.ts'

/** What a spreadsheet would run as a formula is made text: names come from requests. */
const FORMULA = /^[=+\-@\t\r]/

const AMOUNT = /^-?\d+(\.\d+)?$/
const LONGEST_FIELD = 256

/** One field by RFC 4180. */
function field(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const name = clean(value, LONGEST_FIELD)
  const text = FORMULA.test(name) && !AMOUNT.test(name) ? `'${name}` : name
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const HEADER = ['part', 'name', 'cost_usd', 'before_usd', 'requests', 'limit_usd']

/** A report as a file: one line for each row of each part, exact amounts in USD. Lines end as RFC 4180 has them. */
export function reportCsv(facts: ReportFacts): string {
  const { byModel, byTenant, byTag, saved, budgets, days } = facts
  const before = facts.beforeNano === null ? '' : formatUsd(facts.beforeNano)
  const lines: (string | number)[][] = [
    ['total', '', formatUsd(facts.costNano), before, facts.requests, ''],
    ...rowsOf('model', byModel),
    ...rowsOf('tenant', byTenant),
    ...rowsOf(byTag?.tag ?? 'tag', byTag?.rows ?? []),
    ...saved.map(({ how, nano }) => ['saved', how, formatUsd(nano), '', '', '']),
    ...budgets.map(({ budget, window, spentNano, limitNano }) => [
      ...['budget', `${budget} ${window}`, formatUsd(spentNano), '', '', formatUsd(limitNano)],
    ]),
    ...days.map(({ atMs, costNano }) => [
      ...['day', new Date(atMs).toISOString(), formatUsd(costNano), '', '', ''],
    ]),
  ]
  return `${[HEADER, ...lines].map((line) => line.map(field).join(',')).join('\r\n')}\r\n`
}

const rowsOf = (part: string, rows: readonly ReportRow[]): (string | number)[][] =>
  rows.map(({ name, costNano, beforeNano, requests }) => [
    ...[part, name, formatUsd(costNano), formatUsd(beforeNano), requests, ''],
  ])
