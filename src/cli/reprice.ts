import type { Repriced } from '../admin/reprice.ts'
import type { CliContext, Registration } from './command.ts'
import { instant } from './time-flags.ts'

interface RepriceFlags {
  readonly from: number
  readonly to?: number
  readonly model?: string
  readonly dryRun: boolean
  readonly json: boolean
}

/** `bursar reprice`: prices that were wrong are put right beside what was booked. */
export const reprice: Registration = (program, context) => {
  program
    .command('reprice')
    .description('price the calls of a time again and append what differs; budgets do not feel it')
    .requiredOption('--from <time>', 'calls admitted then or later, e.g. 2026-10-01', instant)
    .option('--to <time>', 'and before then; without it, up to now', instant)
    .option('--model <name>', 'only calls of this model, as its ladder names it')
    .option('--dry-run', 'show what would change and change nothing', false)
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((flags: RepriceFlags) => run(flags, context))
}

async function run({ from, to, model, dryRun, json }: RepriceFlags, context: CliContext) {
  const { repriceCommand } = await import('../admin/reprice.ts')
  const { ask } = await import('./place.ts')
  const range = { fromMs: from, toMs: to ?? Date.now() }
  const only = model === undefined ? {} : { model }
  const repriced = await ask(repriceCommand, { ...range, ...only, dryRun }, context)
  if (json) context.output.json(repriced)
  else await print(context, repriced)
}

async function print({ output }: CliContext, repriced: Repriced) {
  const { applied, calls, differing, unpriced, costNano, models } = repriced
  const { formatUsd } = await import('../money/usd.ts')
  const { printable } = await import('./report/printable.ts')
  if (models.length > 0) {
    output.table(
      ['PROVIDER', 'MODEL', 'CALLS', 'COST USD', 'LIST USD'],
      models.map((one) => [
        ...[one.provider, one.model].map((name) => printable(name, 60)),
        ...[String(one.calls), formatUsd(one.costNano), formatUsd(one.listNano)],
      ]),
    )
    output.line()
  }
  const unknown = unpriced > 0 ? `; nobody knows the price of ${unpriced}` : ''
  const what = applied ? 'adjusted' : 'would be adjusted (--dry-run)'
  output.line(`${differing} of ${calls} calls ${what}, ${formatUsd(costNano)} USD in all${unknown}`)
}
