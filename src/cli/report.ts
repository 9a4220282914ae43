import { Option } from 'commander'
import type { BudgetStates } from '../admin/report/budgets.ts'
import type { Gathered, ReportQuestion } from '../admin/report/gather.ts'
import type { Runway } from '../admin/runway/runway.ts'
import { BursarError } from '../errors.ts'
import type { Dimension } from '../ledger/queries/report.ts'
import type { CliContext, Registration } from './command.ts'
import type { Output } from './output.ts'
import { instant } from './time-flags.ts'

/** The same as `DIMENSIONS` of the ledger, spelt here so that `--help` need not load it; a test holds both equal. */
export const REPORT_BY = [
  'tenant',
  'user',
  'tier',
  'model',
  'provider',
  'modelRequested',
  'operation',
  'urgency',
] as const satisfies readonly Dimension[]

interface ReportFlags {
  readonly from?: number
  readonly to?: number
  readonly by: Dimension
  readonly json?: true
  readonly csv?: true
}

/** `bursar report`: requests, tokens and money of a time range from the ledger, and the budgets as they stand. */
export const report: Registration = (program, context) => {
  program
    .command('report')
    .description('show what was asked, used and spent, and how full each budget is now')
    .option('--from <time>', 'first instant, ISO 8601; absent = from the start', instant)
    .option('--to <time>', 'first instant that no longer counts; absent = until now', instant)
    .addOption(
      new Option('--by <what>', 'one row for each').choices(REPORT_BY).default('tier', 'tier'),
    )
    .option('--json', 'print one JSON object, money in nano-USD')
    .addOption(new Option('--csv', 'print the groups as CSV, money in nano-USD').conflicts('json'))
    .action((flags: ReportFlags) => run(flags, context))
}

async function run({ from, to, by, json, csv }: ReportFlags, context: CliContext) {
  const { output } = context
  const question: ReportQuestion = {
    by,
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
  }
  if (from !== undefined && to !== undefined && from >= to) {
    throw new BursarError('INVALID_ARGUMENT', '--from is not before --to: give an earlier --from')
  }
  const { reportCommand } = await import('../admin/report/report.ts')
  const { ask } = await import('./place.ts')
  const gathered = await ask(reportCommand, question, context)
  if (gathered.slotFault !== null) output.note(`budgets are left out: ${gathered.slotFault}`)
  if (json) return output.json(asJson(question, gathered))
  if (csv) {
    const { reportCsv } = await import('./report/csv.ts')
    return output.line(reportCsv(gathered.report))
  }
  await print(output, question, gathered)
}

const isoOf = (atMs: number | undefined): string | null =>
  atMs === undefined ? null : new Date(atMs).toISOString()

const asJson = (
  { by, fromMs, toMs }: ReportQuestion,
  { report: { rows, total }, budgets, runways, waiting }: Gathered,
) => ({ from: isoOf(fromMs), to: isoOf(toMs), by, rows, total, budgets, runways, waiting })

async function print(output: Output, question: ReportQuestion, gathered: Gathered): Promise<void> {
  const tables = await import('./report/tables.ts')
  const { report: found, budgets } = gathered
  if (found.rows.length === 0) output.line(nothingYet(question))
  else {
    const { requestsTable, tokensTable, moneyTable, savedTable } = tables
    const saved = tables.savedOf(found.total.savedNano) > 0 ? [savedTable] : []
    for (const table of [requestsTable, tokensTable, moneyTable, ...saved]) {
      const { header, rows } = table(found)
      output.table(header, rows)
      output.line()
    }
    const left = found.rows.length - tables.MOST_ROWS
    if (left > 0) output.line(`and ${left} more, in the total: use --csv or --json to see all\n`)
    const bars = tables.spendBars(found.rows)
    if (bars.length > 0) output.table([`SPEND BY ${found.groupBy.toUpperCase()}`, '', 'USD'], bars)
  }
  if (budgets) await printBudgets(output, budgets)
  if (gathered.runways?.length) await printRunways(output, gathered.runways)
  if (gathered.waiting) output.line(await stillWaiting(gathered.waiting))
}

const nothingYet = ({ fromMs, toMs }: ReportQuestion): string =>
  fromMs === undefined && toMs === undefined
    ? 'no requests yet: start a worker with `npx bursar start` and send one, as the README shows'
    : 'no requests in this time: leave --from and --to out to see all there is'

async function printBudgets(output: Output, { open, windows }: BudgetStates): Promise<void> {
  if (windows.length === 0) return
  const { budgetsTable, MOST_ROWS } = await import('./report/tables.ts')
  const { header, rows } = budgetsTable(windows)
  output.line()
  if (!open) output.line('no budget window is open now; these were the last:')
  output.table(header, rows)
  const left = windows.length - MOST_ROWS
  if (left > 0) output.line(`and ${left} that are less full: use --json to see all`)
}

async function printRunways(output: Output, runways: readonly Runway[]): Promise<void> {
  const { runwaysTable } = await import('./report/runways.ts')
  const { header, rows } = runwaysTable(runways)
  output.line()
  output.table(header, rows)
}

async function stillWaiting(waiting: number): Promise<string> {
  const { MOST_WAITING } = await import('../admin/report/gather.ts')
  const many =
    waiting >= MOST_WAITING ? `${MOST_WAITING} or more entries are` : `${waiting} entries are`
  return `\n${many} not in the ledger yet: a worker with the role ledger brings them (npx bursar start --roles ledger)`
}
