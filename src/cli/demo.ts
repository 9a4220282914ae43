import { join } from 'node:path'
import { CommandFailed, type Registration, wholeNumber } from './command.ts'
import { childCommand, MAX_SEED } from './traffic/child-command.ts'

interface DemoFlags {
  readonly seed: number
  readonly json?: true
}

/** `bursar demo`: all of Bursar in one process, a minute of made-up traffic, and a report of what became of it. */
export const demo: Registration = (program, context) => {
  const { env, output, signal } = context
  childCommand(program, context)
  program
    .command('demo')
    .description('see it work: nothing to install, nothing to pay, under a minute')
    .option('--seed <n>', 'another crowd, another day', wholeNumber(0, MAX_SEED), 1)
    .option('--json', 'end with one JSON object alone on the last line')
    .action(async ({ seed, json }: DemoFlags) => {
      const { runDemo } = await import('./demo/run.ts')
      const { showDemo, showNext } = await import('./demo/show.ts')
      const { readOptions } = await import('../config/options.ts')
      const folder = join(readOptions(env).BURSAR_DATA, 'demo')
      const result = await runDemo({ seed, folder }, { env, output, signal })
      showDemo(output, result)
      showNext(output)
      if (json) output.json(result.summary)
      if (result.differences.length > 0) throw new CommandFailed()
    })
}
