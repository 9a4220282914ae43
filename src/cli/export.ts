import { Option } from 'commander'
import type { CliContext, Registration } from './command.ts'
import { instant } from './time-flags.ts'

/** The same as the ledger's, spelt here so that `--help` need not load it; a test holds both equal. */
export const FORMATS = ['csv', 'jsonl', 'focus'] as const
export const VERSIONS = ['1.2', '1.4'] as const

interface ExportFlags {
  readonly format: (typeof FORMATS)[number]
  readonly focusVersion: (typeof VERSIONS)[number]
  readonly from?: number
  readonly to?: number
  readonly out: string
  readonly billingAccount: string
  readonly billingAccountName?: string
}

/** `bursar export`: charges one by one, as files that other tools read. */
export const exportCharges: Registration = (program, context) => {
  program
    .command('export')
    .description('write each call and what it cost to a file: CSV, JSON lines or FOCUS')
    .addOption(new Option('--format <name>', 'how').choices(FORMATS).default('csv'))
    .addOption(new Option('--focus-version <n>', 'of FOCUS').choices(VERSIONS).default('1.4'))
    .option('--from <time>', 'first instant, ISO 8601; absent = from the start', instant)
    .option('--to <time>', 'first instant that no longer counts; absent = until now', instant)
    .option('--out <file>', 'where; - = standard output', '-')
    .option('--billing-account <id>', 'whom the providers bill, in FOCUS files', 'bursar')
    .option('--billing-account-name <name>', 'and its name')
    .action((flags: ExportFlags) => run(flags, context))
}

async function run(flags: ExportFlags, context: CliContext): Promise<void> {
  const { BursarError } = await import('../errors.ts')
  const { from: fromMs = 0, to: toMs = Date.now() } = flags
  if (fromMs >= toMs) {
    throw new BursarError('INVALID_ARGUMENT', '--from is not before --to: give an earlier --from')
  }
  const { exportFile } = await import('./export-file.ts')
  const { billingAccount: id, billingAccountName: name = null } = flags
  const choice = { ...flags, account: { id, name } }
  await exportFile({ choice, range: { fromMs, toMs }, out: flags.out }, context)
}
