import type { Nano } from '../../../money/nano.ts'
import { addNano } from '../../../money/nano.ts'
import type { BudgetLine, ReportFacts, ReportRow } from '../../notice.ts'
import { reportCsv } from '../../reports/csv.ts'
import type { BarRow, Bars, Chart, Figure, Telling } from '../story.ts'
import { apart, counted, day, dollars, percent } from '../words.ts'

/** Rows of a message; the file that comes with it has all. */
const MOST_ROWS = 8

/** What a week or a month cost. */
export function tellReport(facts: ReportFacts, timezone: string): Telling {
  const { every, fromMs, toMs, costNano, beforeNano, byTag } = facts
  const from = day(fromMs, timezone)
  const to = day(toMs - 1, timezone)
  const change = changeOf(costNano, beforeNano)
  return {
    title: `${every === 'weekly' ? 'Weekly' : 'Monthly'} AI report: ${dollars(costNano)}${change ? ` (${change})` : ''}, ${from} to ${to}`,
    lead: leadOf(facts),
    figures: figuresOf(facts),
    chart: daysOf(facts, from, to),
    bars: [
      ...budgetsOf(facts.budgets, timezone),
      ...partsOf('By model', facts.byModel, costNano),
      ...(byTag ? partsOf(`By tag ${apart(byTag.tag)}`, byTag.rows, costNano, 'without it') : []),
      ...partsOf('By tenant', facts.byTenant, costNano),
      ...savedOf(facts),
    ],
    files: [
      {
        filename: `bursar-${every}-${new Date(fromMs).toISOString().slice(0, 10)}.csv`,
        contentType: 'text/csv; charset=utf-8',
        content: new TextEncoder().encode(reportCsv(facts)),
        cid: null,
      },
    ],
  }
}

const PERIOD: Readonly<Record<ReportFacts['every'], string>> = { weekly: 'week', monthly: 'month' }

function leadOf({ every, costNano, beforeNano, requests, budgets }: ReportFacts): string {
  if (requests === 0) return 'Nobody asked for anything.'
  const over = budgets.filter(({ percent: used }) => used >= 100).length
  const full = over === 0 ? 'No budget is used up.' : `${counted(over, 'budget')} used up.`
  const time = PERIOD[every]
  const before = beforeNano === null ? '' : `, after ${dollars(beforeNano)} the ${time} before`
  return `${counted(requests, 'request')} cost ${dollars(costNano)}${before}. ${full}`
}

function figuresOf(facts: ReportFacts): Figure[] {
  const { every, costNano, beforeNano, requests } = facts
  const saved = addNano(...facts.saved.map(({ nano }) => nano))
  return [
    { label: 'Spent', value: dollars(costNano) },
    {
      label: `The ${PERIOD[every]} before`,
      value: beforeNano === null ? '-' : dollars(beforeNano),
    },
    { label: 'Requests', value: requests.toLocaleString('en-US') },
    {
      label: 'Per request',
      value: requests === 0 ? '-' : dollars(Math.round(costNano / requests)),
    },
    { label: 'Saved', value: `${dollars(saved)}${shareWords(saved, costNano)}` },
  ]
}

const shareWords = (saved: Nano, costNano: Nano): string =>
  saved === 0 ? '' : ` (${percent((saved / (saved + costNano)) * 100)} of what it would have cost)`

/** e.g. `+12%`; null = nothing to compare with. */
function changeOf(nano: Nano, before: Nano | null): string | null {
  if (before === null || before === 0) return null
  const change = (nano / before - 1) * 100
  return `${change < 0 ? '' : '+'}${percent(change)}`
}

/** Spend against budget, and where it leads. */
function budgetsOf(lines: readonly BudgetLine[], timezone: string): Bars[] {
  const rows = lines.slice(0, MOST_ROWS).map((line): BarRow => {
    const { budget, window, spentNano, limitNano, outlook } = line
    const dry = outlook?.runsDryAtMs ?? null
    const ends = outlook ? `, ends at ${dollars(outlook.expectedNano)}` : ''
    return {
      name: `${apart(budget)} ${apart(window)}`,
      value: `${dollars(spentNano)} of ${dollars(limitNano)}`,
      note: dry === null ? `${percent(line.percent)}${ends}` : `runs dry ${day(dry, timezone)}`,
      share: limitNano === 0 ? 0 : Math.min(1, spentNano / limitNano),
    }
  })
  return rows.length > 0 ? [{ title: 'Budgets now', rows }] : []
}

function partsOf(
  title: string,
  all: readonly ReportRow[],
  costNano: Nano,
  nameless = 'unnamed',
): Bars[] {
  const most = Math.max(1, ...all.map((row) => row.costNano))
  const rows = all.slice(0, MOST_ROWS).map((row): BarRow => {
    const change = changeOf(row.costNano, row.beforeNano)
    return {
      name: apart(row.name) || nameless,
      value: dollars(row.costNano),
      note: [percent(costNano === 0 ? 0 : (row.costNano / costNano) * 100), change]
        .filter((word) => word !== null)
        .join(', '),
      share: Math.max(0, row.costNano) / most,
    }
  })
  return rows.length > 0 ? [{ title, rows }] : []
}

function savedOf({ saved }: ReportFacts): Bars[] {
  const rows = saved.filter(({ nano }) => nano > 0)
  const most = Math.max(1, ...rows.map(({ nano }) => nano))
  return rows.length === 0
    ? []
    : [
        {
          title: 'Saved',
          tone: 'good',
          rows: rows.map(({ how, nano }) => ({
            ...{ name: apart(how), value: dollars(nano), note: '', share: nano / most },
          })),
        },
      ]
}

function daysOf({ days }: ReportFacts, from: string, to: string): Chart | null {
  if (days.length < 2) return null
  const amounts = days.map(({ costNano }) => Math.max(0, costNano))
  const most = Math.max(...amounts)
  return {
    shape: { kind: 'days', amounts },
    alt: `What each day cost, ${from} to ${to}: at most ${dollars(most)}.`,
    axis: [from, '', to],
    legend: [{ mark: 'bar', text: `spent each day, at most ${dollars(most)}` }],
  }
}
