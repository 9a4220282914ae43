import { InvalidArgumentError } from 'commander'
import { CommandFailed, type Registration, wholeNumber } from './command.ts'
import { TRACE_FORMATS, type TraceFormat } from './replay/trace-types.ts'
import type { Speed } from './replay/types.ts'
import { childCommand, MAX_SEED, readFaults } from './traffic/child-command.ts'

interface ReplayFlags {
  readonly format: TraceFormat
  readonly speed: Speed
  readonly limit: number
  readonly policy?: string
  readonly json?: true
  readonly workers?: number
  readonly seed: number
  readonly faults: string
  readonly killEvery?: number
  readonly keep?: true
}

const MAX_REQUESTS = 1_000_000_000

const readSpeed = (text: string): Speed => (text === 'max' ? text : wholeNumber(1, 100_000)(text))

function readFormat(text: string): TraceFormat {
  const format = TRACE_FORMATS.find((known) => known === text)
  if (format) return format
  throw new InvalidArgumentError(`Give one of ${TRACE_FORMATS.join(', ')}.`)
}

/**
 * `bursar replay`: runs a recorded trace against the simulated provider, and exits 1 when counters, ledger and bill do
 * not agree afterwards.
 */
export const replay: Registration = (program, context) => {
  const { env, output, signal } = context
  program
    .command('replay')
    .description('run a recorded trace through queue, workers and ledger, and check every cent')
    .argument('<file>', 'a trace: CSV of Azure, or an OpenAI body in JSON on each line')
    .requiredOption('--format <name>', TRACE_FORMATS.join(' or '), readFormat)
    .option('--speed <n>', 'times as fast as it was recorded, or max', readSpeed, 'max')
    .option('--limit <n>', 'only the first requests', wholeNumber(1, MAX_REQUESTS), MAX_REQUESTS)
    .option('--policy <file>', 'instead of BURSAR_POLICY')
    .option('--json', 'end with one JSON object alone on the last line')
    .option('--workers <n>', 'worker processes (default: 2; embedded 1)', wholeNumber(1, 64))
    .option('--seed <n>', 'fixes who asks what, answers and faults', wholeNumber(0, MAX_SEED), 1)
    .option('--faults <spec>', 'of the provider, e.g. 429:0.05,cut:0.01', readFaults, '')
    .option('--kill-every <seconds>', 'kill a worker this often', wholeNumber(1, 3_600))
    .option('--keep', 'leave keys, database and bill behind, to look at them')
    .action(async (file: string, flags: ReplayFlags) => {
      const { replay: run } = await import('./replay/run.ts')
      const { showReport, showVerdict } = await import('./replay/show.ts')
      const options = {
        ...flags,
        file,
        policy: flags.policy ?? null,
        workers: flags.workers ?? null,
        killEveryS: flags.killEvery ?? null,
        keep: flags.keep === true,
      }
      const { reports, ...result } = await run(options, { env, output, signal })
      for (const report of reports) showReport(output, report)
      showVerdict(output, result)
      if (flags.json) output.json(result.summary)
      if (result.differences.length > 0) throw new CommandFailed()
    })
  childCommand(program, context)
    .command('worker')
    .action(async () => {
      const { runWorker } = await import('./replay/worker-child.ts')
      await runWorker(env, signal)
    })
}
