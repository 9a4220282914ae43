import { BursarError, messageOf } from '../errors.ts'
import { aborted, type Registration, wholeNumber } from './command.ts'

interface SandboxFlags {
  readonly port: number
  readonly host: string
  readonly bill?: string
  readonly seed: number
  readonly faults: string
  readonly latency: number
}

const MINUTE_MS = 60_000

/**
 * `bursar sandbox`: a simulated OpenAI-compatible provider with its own prices and its own bill. Prints one JSON line
 * with its address once it listens, and serves until it is told to stop.
 */
export const sandbox: Registration = (program, { output, signal }) => {
  program
    .command('sandbox')
    .description('serve a simulated OpenAI-compatible provider; nothing is billed for real')
    .option('--port <n>', 'port to listen on, 0 = any free one', wholeNumber(0, 65_535), 0)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--bill <file>', 'append each billed call to this file, one JSON object a line')
    .option('--seed <n>', 'fixes every answer, count and fault', wholeNumber(0, 2 ** 31 - 1), 1)
    .option('--faults <spec>', 'what goes wrong how often, e.g. 429:0.05,cut:0.01', '')
    .option('--latency <ms>', 'time to the first byte', wholeNumber(0, 10 * MINUTE_MS), 0)
    .action(async ({ latency, bill, ...flags }: SandboxFlags) => {
      const { startSandbox } = await import('../../sandbox/server.ts')
      const options = { ...flags, latencyMs: latency, ...(bill === undefined ? {} : { bill }) }
      const server = await startSandbox(options).catch((cause: unknown) => {
        throw new BursarError('INVALID_ARGUMENT', `the sandbox cannot start: ${messageOf(cause)}`, {
          cause,
        })
      })
      output.json({ url: server.url })
      await aborted(signal)
      await server.close()
    })
}
