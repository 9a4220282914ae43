import type { Parked, ParkedJob } from '../admin/parked/parked.ts'
import { type CliContext, type Registration, wholeNumber } from './command.ts'
import type { Output } from './output.ts'

interface ParkedFlags {
  readonly limit: number
  readonly budgets: number
  readonly json: boolean
}

const MOST_LISTED = 10_000
const LISTED = 50
const BUDGETS_LISTED = 20

/** `bursar parked`: what waits for budget or a busy model, until when, and what all of it would cost at most. */
export const parked: Registration = (program, context) => {
  program
    .command('parked')
    .description('list the jobs that wait parked: why, until when, and what they would cost')
    .option('--limit <n>', 'how many to list, soonest first', wholeNumber(0, MOST_LISTED), LISTED)
    .option(
      '--budgets <n>',
      'how many budgets to list, those that the most jobs wait for first',
      wholeNumber(0, MOST_LISTED),
      BUDGETS_LISTED,
    )
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action(async ({ limit, budgets, json }: ParkedFlags) => {
      const { parkedCommand } = await import('../admin/parked/parked.ts')
      const { ask } = await import('./place.ts')
      const found = await ask(parkedCommand, { limit, budgets }, context)
      if (json) context.output.json(found)
      else await print(context, found)
    })
}

async function print({ output }: CliContext, found: Parked): Promise<void> {
  const { jobs, budgets, total } = found
  if (total.jobs === 0) return output.line('nothing is parked')
  const { formatUsd } = await import('../money/usd.ts')
  if (jobs.length > 0) await printJobs(output, jobs)
  const left = total.jobs - jobs.length
  if (left > 0) output.line(`and ${left} more: use --limit to see more of them`)
  const unpriced = total.unpriced > 0 ? `, and ${total.unpriced} of them nobody has priced` : ''
  if (budgets.length > 0) await printBudgets(output, found)
  await printTenants(output, found)
  output.line(
    `${total.jobs} parked, at most ${formatUsd(total.mostNano)} USD to run them all${unpriced}`,
  )
}

async function printJobs(output: Output, jobs: readonly ParkedJob[]): Promise<void> {
  const { formatUsd } = await import('../money/usd.ts')
  const { printable } = await import('./report/printable.ts')
  output.table(
    ['JOB', 'TENANT', 'USER', 'TIER', 'MODEL', 'WAITS FOR', 'SINCE', 'RESUMES', 'AT MOST USD'],
    jobs.map(({ job, tenant, user, tier, model, why, since, resumesAt, mostNano }) => [
      ...[job, tenant, user, tier, model].map((name) => printable(name)),
      printable(why.what === '' ? why.by : `${why.by} ${why.what}`, 80),
      ...[since, resumesAt].map(toTheSecond),
      mostNano === null ? '-' : formatUsd(mostNano),
    ]),
  )
  output.line()
}

/** The price tag of what waits, and how long the money lasts without it. */
async function printTenants(
  output: Output,
  { tenants, runwayFault, total }: Parked,
): Promise<void> {
  const { formatUsd } = await import('../money/usd.ts')
  const { printable } = await import('./report/printable.ts')
  const { runwayWords } = await import('./report/runways.ts')
  if (runwayFault !== null) output.note(`runways are left out: ${runwayFault}`)
  output.table(
    ['TENANT', 'JOBS', 'AT MOST USD', 'SPENDS USD AN HOUR', 'RUNWAY'],
    tenants.map(({ tenant, jobs, mostNano, unpriced, runway }) => [
      printable(tenant),
      String(jobs),
      `${formatUsd(mostNano)}${unpriced > 0 ? ` and ${unpriced} unpriced` : ''}`,
      ...(runway ? [formatUsd(runway.perHourNano), runwayWords(runway)] : ['-', '-']),
    ]),
  )
  const left = total.tenants - tenants.length
  if (left > 0) output.line(`and ${left} more tenants, of less`)
  output.line()
}

/** Who could let them go on, and how. */
async function printBudgets(output: Output, { budgets, total }: Parked): Promise<void> {
  const { printable } = await import('./report/printable.ts')
  output.table(
    ['JOBS', 'WAIT FOR MONEY; IT COMES WITH THE NEXT WINDOW, OR BY'],
    budgets.map(({ jobs, command }) => [String(jobs), printable(command, 200)]),
  )
  const left = total.budgets - budgets.length
  if (left > 0) output.line(`and ${left} more budgets: use --budgets to see more of them`)
  output.line()
}

const toTheSecond = (iso: string): string => iso.replace(/\.\d+Z$/, 'Z')
