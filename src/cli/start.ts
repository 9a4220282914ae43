import type { Role } from '../../workers/main.ts'
import { type Options, readOptions } from '../config/options.ts'
import { aborted, listOf, type Registration, wholeNumber } from './command.ts'
import type { Output } from './output.ts'

/** The same as `ROLES` of the workers, spelt here so that `--help` need not load them; a test holds both equal. */
export const ROLE_NAMES = [
  'completions',
  'ledger',
  'jobs',
  'gateway',
] as const satisfies readonly Role[]

interface StartFlags {
  readonly roles: readonly Role[]
  readonly concurrency?: number
}

/**
 * Whether paid providers that have no key are served by a sandbox inside the process. Whoever names another address
 * means that address, also without a key.
 */
export const usesSandbox = ({ OPENAI_API_KEY, OPENAI_BASE_URL }: Options): boolean =>
  !OPENAI_API_KEY && !OPENAI_BASE_URL

/** A first request to copy into another terminal. */
export const firstRequest = (url: string): string =>
  `curl '${url}/v1/jobs?wait=60s' -H 'content-type: application/json' -d '{"user":"u42","model":"auto","messages":[{"role":"user","content":"Explain recursion"}]}'`

function showGateway(url: string, { line, paint }: Output): void {
  line(`${paint('bold', `Bursar listens on ${url}`)}; try this in another terminal:`)
  line(firstRequest(url))
}

/**
 * `bursar start`: runs roles in this process until SIGTERM or SIGINT, then drains: takes nothing new, ends what runs,
 * settles it, closes.
 */
export const start: Registration = (program, { env, output, signal }) => {
  program
    .command('start')
    .description('run workers and the HTTP gateway in this process until it is told to stop')
    .option(
      '--roles <list>',
      `what to do: ${ROLE_NAMES.join(', ')}`,
      listOf(ROLE_NAMES),
      ROLE_NAMES,
    )
    .option(
      '--concurrency <n>',
      'jobs at a time in each queue, instead of WORKER_CONCURRENCY',
      wholeNumber(1, 1_000),
    )
    .action(async ({ roles, concurrency }: StartFlags) => {
      const read = readOptions(env)
      const options = { ...read, WORKER_CONCURRENCY: concurrency ?? read.WORKER_CONCURRENCY }
      const { createRuntime } = await import('../runtime.ts')
      const { startRoles } = await import('../../workers/main.ts')
      const runtime = await createRuntime(options, { env, sandbox: usesSandbox(options) })
      if (usesSandbox(options)) {
        runtime.logger.warn('OPENAI_API_KEY is not set: the sandbox answers, and nothing is billed')
      }
      const running = await startRoles(roles, runtime)
      if (running.gatewayUrl && output.interactive) showGateway(running.gatewayUrl, output)
      void aborted(signal).then(running.close)
      await running.closed
    })
}
