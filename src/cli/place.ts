import type { AdminCommand, Watch } from '../admin/command.ts'
import { perform } from '../admin/perform.ts'
import type { OpenPlace } from '../admin/place/stores.ts'
import { readInput } from '../admin/read-input.ts'
import { findBursar } from '../client/find-bursar.ts'
import { type Environment, type Options, readOptions } from '../config/options.ts'
import { BursarError, isBursarError } from '../errors.ts'
import type { CliContext } from './command.ts'
import type { Output } from './output.ts'

/**
 * Asks Bursar, wherever it is: the process at BURSAR_URL or on the socket of the data folder, the servers at REDIS_URL
 * and DATABASE_URL, or a data folder that nobody has open. The answer is the same everywhere.
 * @throws {BursarError} INVALID_REQUEST, INVALID_OPTIONS when it is nowhere, GATEWAY_UNAVAILABLE, INVALID_API_KEY,
 * ACCESS_DENIED, DATA_FOLDER_IN_USE, and what the command throws.
 */
export async function ask<Input, Answer>(
  command: AdminCommand<Input, Answer>,
  given: unknown,
  context: CliContext,
): Promise<Answer> {
  // What is wrong with it is said before anything is opened.
  readInput(command, given)
  const once = () => withBursar(context, (asked) => asked(command, given))
  try {
    return await once()
  } catch (error) {
    // Somebody took the folder between our look and our opening it.
    if (!isBursarError(error, 'DATA_FOLDER_IN_USE') || error.retryable) throw error
    return once()
  }
}

type Ask = <Input, Answer>(command: AdminCommand<Input, Answer>, given: unknown) => Promise<Answer>

/**
 * Finds Bursar once for several questions, as `ask` does for one. Throws what `ask` throws; nobody is asked again when the
 * folder was taken meanwhile.
 */
export async function withBursar<T>(
  context: Pick<CliContext, 'env' | 'output'>,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const options = readOptions(context.env)
  const where = await findBursar(options)
  switch (where.at) {
    case 'gateway':
      return withGateway(where.url, options.BURSAR_API_KEY, work)
    case 'stores': {
      const { storesPlace } = await import('../admin/place/stores.ts')
      return withPlace(storesPlace(options, context.env), context.output, work)
    }
    case 'folder':
      return withPlace(await openFolder(options, context.env), context.output, work)
    case 'nowhere':
      throw nowhere(where.folder)
  }
}

/** A scan of a large ledger takes minutes, in which the gateway has nothing to say. */
const LONGEST_MS = 1_800_000

async function withGateway<T>(
  url: string,
  apiKey: string | undefined,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const { createHttpLink } = await import('../client/http/link.ts')
  const { told } = await import('../client/http/patience.ts')
  const { unreadable } = await import('../client/http/read-reply.ts')
  const { transportTo } = await import('../client/http/transport-to.ts')
  const link = createHttpLink(transportTo(url), url, apiKey)
  try {
    return await work(async (command, given) => {
      const { name, output } = command
      const question = { method: 'POST', path: `/v1/admin/${name}`, limitMs: LONGEST_MS } as const
      const body = JSON.stringify(readInput(command, given))
      const parsed = output.safeParse(await told(link.ask({ ...question, body })))
      if (parsed.success) return parsed.data
      throw unreadable(`${name} in a form that this version knows`)
    })
  } finally {
    link.close()
  }
}

async function withPlace<T>(
  place: OpenPlace,
  output: Output,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  try {
    return await work(async (command, given) => {
      const bar = createBar(output, command.barFrom ?? LONG_SCAN_ROWS)
      try {
        const input = readInput(command, given)
        // Through its schema, as an answer from afar: the same fields, in the same order.
        return command.output.parse(await perform(command, place, input, bar.watch))
      } finally {
        bar.stop()
      }
    })
  } finally {
    await place.close()
  }
}

async function openFolder(options: Options, env: Environment): Promise<OpenPlace> {
  const { openFolderPlace } = await import('./folder-place.ts')
  return openFolderPlace(options, env)
}

/** Shorter scans are over before a bar would be read. */
const LONG_SCAN_ROWS = 20_000

function createBar(output: Output, from: number): { watch: Watch; stop(): void } {
  let bar: ReturnType<Output['progress']> | undefined
  return {
    watch(done, total, text) {
      if (total < from) return
      bar ??= output.progress(total)
      bar.update(done, text)
    },
    stop: () => bar?.stop(),
  }
}

const nowhere = (folder: string): BursarError =>
  new BursarError(
    'INVALID_OPTIONS',
    `there is no Bursar here, and no data folder ${folder}: start one (npx bursar start), go to the folder where it runs, or say where it is with BURSAR_URL=http://127.0.0.1:8080, or with REDIS_URL and DATABASE_URL`,
    { detail: { folder } },
  )
