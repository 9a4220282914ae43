import { Option } from 'commander'
import type { Role } from '../../workers/main.ts'
import { type Options, readOptions } from '../config/options.ts'
import { aborted, type CliContext, listOf, type Registration, wholeNumber } from './command.ts'
import type { Output } from './output.ts'

/** The same as `ROLES` of the workers, spelt here so that `--help` need not load them; a test holds both equal. */
export const ROLE_NAMES = [
  'completions',
  'ledger',
  'jobs',
  'gateway',
  'alerts',
] as const satisfies readonly Role[]

interface StartFlags {
  readonly roles: readonly Role[]
  readonly concurrency?: number
  readonly withParent?: true
}

/**
 * Whether paid providers that have no key are served by a sandbox inside the process. Whoever names another address
 * means that address, also without a key.
 */
export const usesSandbox = ({ OPENAI_API_KEY, OPENAI_BASE_URL }: Options): boolean =>
  !OPENAI_API_KEY && !OPENAI_BASE_URL

/** A first request to copy into another terminal. @param asksForKeys - it then sends the one of BURSAR_API_KEY. */
export const firstRequest = (url: string, asksForKeys = false): string =>
  `curl '${url}/v1/jobs?wait=60s' ${asksForKeys ? '-H "authorization: Bearer $BURSAR_API_KEY" ' : ''}-H 'content-type: application/json' -d '{"user":"u42","model":"auto","messages":[{"role":"user","content":"Explain recursion"}]}'`

function showGateway(url: string, asksForKeys: boolean, { line, paint }: Output): void {
  line(`${paint('bold', `Bursar listens on ${url}`)}; try this in another terminal:`)
  if (asksForKeys) line('export BURSAR_API_KEY=...  # one that bursar keys create has made')
  line(firstRequest(url, asksForKeys))
}

/**
 * `bursar start`: runs roles in this process until SIGTERM or SIGINT, then drains: takes nothing new, ends what runs,
 * settles it, closes.
 */
export const start: Registration = (program, context) => {
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
    .addOption(
      new Option(
        '--with-parent',
        'tell the process that started this one, and end with it',
      ).hideHelp(),
    )
    .action(async (flags: StartFlags) => {
      if (!flags.withParent) return run(flags, context, context.signal)
      const { withParent } = await import('./with-parent.ts')
      await withParent(({ gone, ready }) =>
        run(flags, context, AbortSignal.any([context.signal, gone]), ready),
      )
    })
}

async function run(
  { roles, concurrency }: StartFlags,
  { env, output }: CliContext,
  stop: AbortSignal,
  started?: () => void,
): Promise<void> {
  const read = readOptions(env)
  const { policyPath } = await import('./policy-path.ts')
  const options = {
    ...read,
    WORKER_CONCURRENCY: concurrency ?? read.WORKER_CONCURRENCY,
    BURSAR_POLICY: policyPath(read, env),
  }
  if (!started) await letReadersEnd(options)
  const { createRuntime } = await import('../runtime.ts')
  const { startRoles } = await import('../../workers/main.ts')
  const runtime = await createRuntime(options, { env, sandbox: usesSandbox(options) })
  if (usesSandbox(options)) {
    runtime.logger.warn('OPENAI_API_KEY is not set: the sandbox answers, and nothing is billed')
  }
  if (options.BURSAR_POLICY !== read.BURSAR_POLICY) {
    const { BURSAR_POLICY: file } = options
    runtime.logger.info(
      { file },
      'there is no bursar.yaml here: the one that came along is in force',
    )
  }
  const running = await startRoles(roles, runtime)
  started?.()
  if (running.gatewayUrl && output.interactive) {
    const { asksNeighbours } = await import('../gateway/authorize.ts')
    showGateway(running.gatewayUrl, asksNeighbours(options), output)
  }
  void aborted(stop).then(running.close)
  await running.closed
}

/** A report that has the folder open for a moment is no reason not to start. */
const READERS_LIMIT_MS = 5_000

async function letReadersEnd(options: Options): Promise<void> {
  if (options.REDIS_URL || options.DATABASE_URL) return
  const { findInFolder } = await import('../client/find-bursar.ts')
  // Whoever still has it open is named by the lock itself.
  await findInFolder(options.BURSAR_DATA, READERS_LIMIT_MS).catch(() => {})
}
