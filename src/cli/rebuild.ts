import type { Rebuilt } from '../admin/rebuild.ts'
import type { RemadeUsage } from '../admin/rebuild-usage.ts'
import type { CliContext, Registration } from './command.ts'
import { instant } from './time-flags.ts'

interface RebuildFlags {
  readonly usage: boolean
  readonly from?: number
  readonly dryRun: boolean
  readonly json: boolean
}

/** `bursar rebuild`: makes every counter, or the sums of usage, again from the ledger, while everything goes on. */
export const rebuild: Registration = (program, context) => {
  program
    .command('rebuild')
    .description('make every budget counter again from the ledger; safe beside live traffic')
    .option('--usage', 'the sums of usage instead, from the calls that they add up', false)
    .option(
      '--from <time>',
      'with --usage: from its month on; without it, from last month',
      instant,
    )
    .option('--dry-run', 'show what is wrong and change nothing', false)
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((flags: RebuildFlags) =>
      flags.usage ? usageAgain(flags, context) : run(flags, context),
    )
}

async function run({ from, dryRun, json }: RebuildFlags, context: CliContext): Promise<void> {
  if (from !== undefined) {
    const { BursarError } = await import('../errors.ts')
    throw new BursarError('INVALID_ARGUMENT', 'counters are made again whole: leave --from away')
  }
  const { rebuildCommand } = await import('../admin/rebuild.ts')
  const { ask } = await import('./place.ts')
  const rebuilt = await ask(rebuildCommand, { dryRun }, context)
  if (json) context.output.json(rebuilt)
  else await print(context, rebuilt)
}

async function usageAgain({ from, dryRun, json }: RebuildFlags, context: CliContext) {
  const { rebuildUsageCommand } = await import('../admin/rebuild-usage.ts')
  const { ask } = await import('./place.ts')
  const since = from === undefined ? {} : { sinceMs: from }
  const remade = await ask(rebuildUsageCommand, { dryRun, ...since }, context)
  if (json) context.output.json(remade)
  else await printUsage(context, remade)
}

async function print({ output }: CliContext, { applied, windows, wrong, changes }: Rebuilt) {
  if (wrong === 0) {
    return output.line(output.paint('green', `${windows} counters, all as the ledger has them`))
  }
  const { formatUsd } = await import('../money/usd.ts')
  const { printable } = await import('./report/printable.ts')
  output.table(
    ['WINDOW', 'SPENT USD', 'NOW', 'HELD USD', 'NOW'],
    changes.map(({ key, before, after }) => [
      printable(key, 100),
      ...[before.spentNano, after.spentNano, before.heldNano, after.heldNano].map(formatUsd),
    ]),
  )
  output.line()
  output.line(`${wrong} of ${windows} counters ${outcome(applied)}${unnamed(wrong, changes)}`)
}

async function printUsage({ output }: CliContext, { applied, rows, wrong, changes }: RemadeUsage) {
  const counted = `${rows} calls and requests`
  if (wrong === 0) return output.line(output.paint('green', `${counted}, all sums agree with them`))
  const { printable } = await import('./report/printable.ts')
  output.table(
    ['SUM', 'KEPT/COUNTED'],
    changes.map(({ sum, measures }) => [printable(sum, 150), printable(measures, 100)]),
  )
  output.line()
  output.line(`${wrong} sums of ${counted} ${outcome(applied)}${unnamed(wrong, changes)}`)
}

const outcome = (applied: boolean): string =>
  applied ? 'made again' : 'wrong; nothing was changed (--dry-run)'

const unnamed = (wrong: number, { length }: { readonly length: number }): string =>
  wrong > length ? `, ${wrong - length} of them not listed` : ''
