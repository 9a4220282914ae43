import type { CliContext, Registration } from './command.ts'
import { wholeNumber } from './command.ts'
import { instant } from './time-flags.ts'

interface ListFlags {
  readonly action?: string
  readonly by?: string
  readonly from?: number
  readonly to?: number
  readonly before?: number
  readonly limit: number
  readonly json: boolean
}

const LISTED = 50
const MOST_LISTED = 1_000

/** `bursar audit`: who changed what, and when. Nobody can change what stands there. */
export const audit: Registration = (program, context) => {
  program
    .command('audit')
    .description('who changed what, and when')
    .command('list')
    .description('list changes, newest first')
    .option('--action <name>', 'of one command, e.g. budget-grant')
    .option('--by <who>', "of one caller: operator, file, or 'key <id>'")
    .option('--from <time>', 'from this instant on, e.g. 2026-11-01', instant)
    .option('--to <time>', 'before this instant', instant)
    .option('--before <id>', 'the page after the one that ended with it', wholeNumber(1, 2 ** 52))
    .option('--limit <n>', 'how many to list', wholeNumber(0, MOST_LISTED), LISTED)
    .option('--json', 'print one JSON object', false)
    .action((flags: ListFlags) => list(flags, context))
}

async function list({ from, to, json, ...wanted }: ListFlags, context: CliContext): Promise<void> {
  const [{ auditList }, { ask }, { printable }] = await Promise.all([
    import('../admin/audit/list.ts'),
    import('./place.ts'),
    import('./report/printable.ts'),
  ])
  const times = {
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
  }
  const found = await ask(auditList, { ...wanted, ...times }, context)
  if (json) return context.output.json(found)
  const { output } = context
  if (found.changes.length === 0) return output.line('nobody has changed anything')
  output.table(
    ['ID', 'WHEN', 'BY', 'WHAT', 'OUTCOME', 'INPUT'],
    found.changes.map(({ id, at, by, action, outcome, input }) => [
      String(id),
      at,
      printable(by),
      printable(action),
      outcome,
      printable(JSON.stringify(input), 80),
    ]),
  )
  if (found.next !== null) output.note(`more: bursar audit list --before ${found.next}`)
}
