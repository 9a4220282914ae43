import { join } from 'node:path'
import { CommandFailed, type Registration, wholeNumber } from './command.ts'
import { childCommand, MAX_SEED } from './traffic/child-command.ts'

interface DemoFlags {
  readonly seed: number
  readonly json?: true
  readonly keep?: true
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
    .option('--keep', 'stay after the report, to be asked and looked at, until Ctrl-C')
    .action(async ({ seed, json, keep }: DemoFlags) => {
      const { runDemo } = await import('./demo/run.ts')
      const { showDemo } = await import('./demo/show.ts')
      const { showKept, showNext } = await import('./demo/next.ts')
      const { readOptions } = await import('../config/options.ts')
      const folder = join(readOptions(env).BURSAR_DATA, 'demo')
      let agrees = true
      await runDemo({ seed, folder }, { env, output, signal }, async (result, runtime) => {
        agrees = result.differences.length === 0
        showDemo(output, result)
        const summarise = () => json && output.json(result.summary)
        if (!keep) {
          showNext(output, folder)
          summarise()
          return
        }
        const { stay } = await import('./demo/stay.ts')
        await stay(runtime, signal, (url) => {
          showKept(output, folder, url)
          summarise()
        })
      })
      if (!agrees) throw new CommandFailed()
    })
}
