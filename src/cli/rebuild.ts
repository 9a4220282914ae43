import type { Rebuilt } from '../admin/rebuild.ts'
import type { CliContext, Registration } from './command.ts'

interface RebuildFlags {
  readonly dryRun: boolean
  readonly json: boolean
}

/** `bursar rebuild`: makes every counter again from the ledger, while everything goes on. */
export const rebuild: Registration = (program, context) => {
  program
    .command('rebuild')
    .description('make every budget counter again from the ledger; safe beside live traffic')
    .option('--dry-run', 'show what is wrong and change nothing', false)
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action(async ({ dryRun, json }: RebuildFlags) => {
      const { rebuildCommand } = await import('../admin/rebuild.ts')
      const { ask } = await import('./place.ts')
      const rebuilt = await ask(rebuildCommand, { dryRun }, context)
      if (json) context.output.json(rebuilt)
      else await print(context, rebuilt)
    })
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
  const unnamed = wrong > changes.length ? `, ${wrong - changes.length} of them not listed` : ''
  const what = applied ? 'made again' : 'wrong; nothing was changed (--dry-run)'
  output.line(`${wrong} of ${windows} counters ${what}${unnamed}`)
}
