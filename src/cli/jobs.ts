import { type CliContext, type Registration, wholeNumber } from './command.ts'
import { duration } from './keys/flags.ts'

interface HistoryFlags {
  readonly failed: boolean
  readonly limit: number
  readonly json: boolean
}
interface RunFlags {
  readonly wait: number
  readonly json: boolean
}

const LISTED = 30
const MOST_LISTED = 1_000
const WAIT_MS = 60_000

const load = () =>
  Promise.all([import('../admin/jobs.ts'), import('./place.ts'), import('./jobs/show.ts')])

/** `bursar jobs`: what runs on a schedule, once among all processes. */
export const jobs: Registration = (program, context) => {
  const group = program
    .command('jobs')
    .description('show what runs on a schedule and how it went; run it now')

  group
    .command('list')
    .description('list the jobs, when each runs next and how its newest run ended')
    .option('--json', 'print one JSON object', false)
    .action((flags: { readonly json: boolean }) => list(flags, context))

  group
    .command('history [job]')
    .description('list what ran, newest first')
    .option('--failed', 'only what did not end well', false)
    .option('--limit <n>', 'how many to list', wholeNumber(1, MOST_LISTED), LISTED)
    .option('--json', 'print one JSON object', false)
    .action((job: string | undefined, flags: HistoryFlags) => history(job, flags, context))

  group
    .command('run <job>')
    .description('have a process with the role jobs run it now, and wait for the end')
    .option('--wait <time>', 'how long to wait, e.g. 10m', duration, WAIT_MS)
    .option('--json', 'print one JSON object', false)
    .action((job: string, flags: RunFlags) => run(job, flags, context))
}

async function list({ json }: { readonly json: boolean }, context: CliContext) {
  const [{ jobsList }, { ask }, { showJobs }] = await load()
  const found = await ask(jobsList, {}, context)
  if (json) context.output.json(found)
  else showJobs(found, context.output)
}

async function history(
  job: string | undefined,
  { json, ...wanted }: HistoryFlags,
  context: CliContext,
) {
  const [{ jobsHistory }, { ask }, { showRuns }] = await load()
  const found = await ask(jobsHistory, job === undefined ? wanted : { ...wanted, job }, context)
  if (json) context.output.json(found)
  else showRuns(found, context.output)
}

async function run(job: string, { wait, json }: RunFlags, context: CliContext) {
  const [{ jobsRun }, { ask }, { showRun }] = await load()
  const { awaitRun } = await import('./jobs/await-run.ts')
  const asked = await ask(jobsRun, { job }, context)
  const ended = await awaitRun(asked, wait, context)
  if (json) context.output.json(ended)
  else showRun(ended, context.output)
  if (ended.state !== 'done') {
    const { CommandFailed } = await import('./command.ts')
    throw new CommandFailed()
  }
}
