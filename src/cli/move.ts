import { readOptions } from '../config/options.ts'
import type { MoveTarget } from '../embedded/moved-mark.ts'
import type { Moved } from '../move/move.ts'
import type { MovePlan } from '../move/plan.ts'
import type { MoveProgress, MoveSummary } from '../move/types.ts'
import { type CliContext, CommandFailed, type Registration } from './command.ts'
import type { Output, Progress } from './output.ts'

interface MoveFlags {
  readonly folder?: string
  readonly dryRun?: true
  readonly json?: true
}

/** `bursar move`: from an embedded folder to the Redis and the PostgreSQL in the environment. Safe to run again. */
export const move: Registration = (program, context) => {
  program
    .command('move')
    .description('move an embedded data folder to REDIS_URL and DATABASE_URL; safe to run again')
    .option('--folder <path>', 'data folder, instead of BURSAR_DATA')
    .option('--dry-run', 'say what would be moved and whether the target is empty; change nothing')
    .option('--json', 'print one JSON object instead of tables')
    .action(async ({ folder, dryRun, json }: MoveFlags) => {
      const options = readOptions(context.env)
      const question = { folder: folder ?? options.BURSAR_DATA, options }
      if (dryRun) return await plan(question, context.output, json === true)
      const moved = await carryOut(question, context)
      if (json) context.output.json(moved)
      else print(context.output, moved)
    })
}

type Question = { readonly folder: string; readonly options: ReturnType<typeof readOptions> }

async function carryOut(question: Question, { output, signal }: CliContext): Promise<Moved> {
  const { moveFolder } = await import('../move/move.ts')
  const bar = createBar(output)
  try {
    return await moveFolder({ ...question, signal, onProgress: bar.show })
  } finally {
    bar.stop()
  }
}

/** The bar appears with the first progress: what is refused before shows none. */
function createBar(output: Output) {
  let bar: Progress | null = null
  return {
    show({ done, total, step }: MoveProgress) {
      bar ??= output.progress(total)
      bar.update(done, step)
    },
    stop: () => bar?.stop(),
  }
}

async function plan(question: Question, output: Output, json: boolean): Promise<void> {
  const { planMove } = await import('../move/plan.ts')
  const planned = await planMove(question)
  if (json) output.json({ dryRun: true, ...planned })
  else printPlan(output, planned)
  if (planned.found.length > 0) throw new CommandFailed()
}

function print(output: Output, { when, endedAt, target, summary, warnings }: Moved): void {
  if (when === 'before') {
    output.line(`this folder was moved there on ${endedAt}; nothing was changed now. It had:`)
  }
  printSummary(output, when === 'now' ? 'MOVED' : 'MOVED THEN', summary)
  output.line()
  for (const warning of warnings) output.note(`warning: ${warning}`)
  output.line(output.paint('green', whereTo(target)))
  output.line(
    'the folder still has everything, and is marked as moved. Next, with both variables set:',
  )
  output.line('  npx bursar verify && npx bursar start')
}

function printPlan(output: Output, planned: MovePlan): void {
  printSummary(output, 'WOULD BE MOVED', planned.summary)
  output.line()
  const { holds, waiting, found, earlier } = planned
  if (holds > 0) output.line(`${holds} open holds would be booked whole, as unconfirmed`)
  if (waiting > 0) output.line(`${waiting} entries would be brought to the ledger first`)
  output.line(whereTo(planned.target))
  if (earlier === 'ended') output.line('this folder was moved there before: nothing would change')
  else if (earlier === 'begun') output.line('a move of it has begun there, and would go on')
  else if (found.length === 0) output.line(output.paint('green', 'the target is empty'))
  else output.line(output.paint('red', `the target is not empty: ${found.join('; ')}`))
}

const whereTo = ({ redis, prefix, database }: MoveTarget): string =>
  `Redis ${redis} under ${prefix}, PostgreSQL ${database}`

function printSummary(output: Output, title: string, summary: MoveSummary): void {
  const { rows, windows, jobs, attempts, results, bodies, limits, queued, parked } = summary
  output.table(
    [title, ''],
    [
      ['rows of history', `${rows}, sums compared`],
      ['budget windows', `${windows}, each compared with its postings`],
      ['jobs in the queue', `${queued} queued, ${parked} parked`],
      ['results', `${results}, and ${bodies} bodies of large requests`],
      ['what is known', `${jobs} jobs, ${attempts} attempts, ${limits} limits and gates`],
    ],
  )
}
