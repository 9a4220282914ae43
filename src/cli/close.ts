import type { ClosesView, CloseView } from '../admin/closes.ts'
import { type CliContext, type Registration, wholeNumber } from './command.ts'
import { instant } from './time-flags.ts'

interface CloseFlags {
  readonly from?: number
  readonly to?: number
  readonly timezone?: string
  readonly json: boolean
}
interface ListFlags {
  readonly limit: number
  readonly json: boolean
}
interface ShowFlags {
  readonly timezone: string
  readonly json: boolean
}

const LISTED = 60
const MOST_LISTED = 10_000

const load = () => Promise.all([import('../admin/closes.ts'), import('./place.ts')])

/** `bursar close`: totals that finance signs, and what came to them later. */
export const close: Registration = (program, context) => {
  const group = program
    .command('close')
    .description('seal the days and months of a time; those that are sealed gain named adjustments')
    .option('--from <time>', 'the first period begins then or later, e.g. 2026-10-01', instant)
    .option('--to <time>', 'periods begin before then; without it, up to now', instant)
    .option('--timezone <name>', "one calendar, e.g. Europe/Berlin; without it, the policy's")
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((flags: CloseFlags) => run(flags, context))

  group
    .command('list')
    .description('list what is sealed, newest first')
    .option('--limit <n>', 'how many to list', wholeNumber(1, MOST_LISTED), LISTED)
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((flags: ListFlags) => list(flags, context))

  group
    .command('show <period>')
    .description('show the lines of a day (2026-11-21) or a month (2026-11) and its adjustments')
    .option('--timezone <name>', 'in whose calendar', 'UTC')
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((window: string, flags: ShowFlags) => show(window, flags, context))
}

async function run({ from, to, timezone, json }: CloseFlags, context: CliContext) {
  if (from === undefined) {
    const { BursarError } = await import('../errors.ts')
    throw new BursarError('INVALID_ARGUMENT', 'say from when on: bursar close --from 2026-10-01')
  }
  const [{ closesClose }, { ask }] = await load()
  const wanted = { fromMs: from, toMs: to ?? Date.now() }
  const zone = timezone === undefined ? {} : { timezone }
  const closed = await ask(closesClose, { ...wanted, ...zone }, context)
  if (json) return context.output.json(closed)
  const { periods, sealed, adjusted } = closed
  context.output.line(
    `${periods} periods: ${sealed} sealed now, ${adjusted} adjustments to what was sealed before`,
  )
}

async function list({ limit, json }: ListFlags, context: CliContext) {
  const [{ closesList }, { ask }] = await load()
  const found = await ask(closesList, { limit }, context)
  if (json) context.output.json(found)
  else await printList(context, found)
}

async function show(window: string, { timezone, json }: ShowFlags, context: CliContext) {
  const [{ closesShow }, { ask }] = await load()
  const period = /^\d{4}-\d\d$/.test(window) ? 'month' : 'day'
  const found = await ask(closesShow, { period, window, timezone }, context)
  if (json) context.output.json(found)
  else await printShown(context, found)
}

async function printList({ output }: CliContext, { closes }: ClosesView) {
  if (closes.length === 0) {
    return output.line('nothing is sealed yet: bursar close --from 2026-10-01 seals what ended')
  }
  const { formatUsd } = await import('../money/usd.ts')
  output.table(
    ['PERIOD', 'TIMEZONE', 'CALLS', 'SEALED USD', 'SINCE', 'NOW', 'SEALED AT', 'BY'],
    closes.map(({ window, timezone, calls, costNano, adjustedNano, sealedAt, sealedBy }) => [
      ...[window, timezone, String(calls), formatUsd(costNano), formatUsd(adjustedNano)],
      ...[formatUsd(costNano + adjustedNano), sealedAt.replace(/\.\d+Z$/, 'Z'), sealedBy],
    ]),
  )
}

async function printShown({ output }: CliContext, { lines, adjustments }: CloseView) {
  if (lines.length === 0 && adjustments.length === 0) {
    return output.line('it is not sealed, or nothing happened in it: bursar close list shows all')
  }
  const { formatUsd } = await import('../money/usd.ts')
  const { printable } = await import('./report/printable.ts')
  const names = (...list: readonly string[]) => list.map((name) => printable(name || '-', 60))
  output.table(
    ['TENANT', 'TIER', 'MODEL', 'CALLS', 'COST USD', 'LIST USD', 'WHY'],
    [
      ...lines.map(({ tenant, tier, model, calls, costNano, listNano }) => [
        ...names(tenant, tier, model),
        ...[String(calls), formatUsd(costNano), formatUsd(listNano), 'sealed'],
      ]),
      ...adjustments.map((one) => [
        ...names(one.tenant, one.tier, one.model),
        ...[String(one.calls), formatUsd(one.costNano), formatUsd(one.listNano)],
        `${one.n}: ${one.reason}`,
      ]),
    ],
  )
}
