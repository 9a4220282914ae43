import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Environment } from '../../config/options.ts'
import { BursarError, type ErrorCode } from '../../errors.ts'

/** A Bursar that runs beside this process and ends with it, however that ends. */
export interface Companion {
  /** Lets calls under way end, and resolves when it is gone. Safe to call twice. */
  end(): Promise<void>
}

/** What `bursar start --with-parent` tells the process that started it. */
export const CompanionWordSchema = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({
    failed: z.object({
      code: z.custom<ErrorCode>((code) => typeof code === 'string'),
      message: z.string(),
      retryable: z.boolean(),
      detail: z.record(z.string(), z.unknown()),
    }),
  }),
])
export type CompanionWord = z.input<typeof CompanionWordSchema>

const FROM_SOURCES = import.meta.url.endsWith('.ts')
/** `bursar` itself. A file that is run, not code that is loaded: nothing of a database comes into this process. */
const PROGRAM = fileURLToPath(
  new URL(FROM_SOURCES ? '../../cli/main.ts' : '../../cli/main.js', import.meta.url),
)
const WORDS = ['start', '--with-parent', '--roles', 'completions,ledger,jobs']

/**
 * Starts a Bursar over the data folder in `env`.
 *
 * It is a process of its own because a database in the caller's would block its event loop with every statement, and
 * keep it from ending when its own work is done.
 * @throws {BursarError} why it did not start: DATA_FOLDER_IN_USE, INVALID_POLICY and others.
 */
export async function startCompanion(env: Environment): Promise<Companion> {
  // What the sources need to be read; nothing else of this process's own: its words may be a whole program (--eval).
  const loader = FROM_SOURCES ? ['--import', import.meta.resolve('tsx')] : []
  const child = spawn(process.execPath, [...loader, PROGRAM, ...WORDS], {
    // Named, so that no .env file leads it elsewhere. What it has to say is said here, in words, once.
    env: { LOG_LEVEL: 'error', ...env, REDIS_URL: '', DATABASE_URL: '', BURSAR_URL: '' },
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  const ended = once(child, 'exit')
  ended.catch(() => {})
  const word = await Promise.race([
    once(child, 'message').then(([said]) => CompanionWordSchema.parse(said)),
    ended.then(([code]) => {
      throw cannotStart(`it ended with exit code ${String(code)}`)
    }),
  ])
  if ('failed' in word) {
    const { code, message, ...rest } = word.failed
    throw new BursarError(code, message, rest)
  }
  child.unref()
  child.channel?.unref()
  warnOfCompanion(env)
  return {
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.ref()
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

/** A service that lost its address must not go on in a world of its own without a word. */
function warnOfCompanion({ BURSAR_DATA: folder, OPENAI_API_KEY, OPENAI_BASE_URL }: Environment) {
  const answers =
    OPENAI_API_KEY || OPENAI_BASE_URL
      ? ''
      : ', and without OPENAI_API_KEY a simulated provider answers'
  process.emitWarning(
    `neither BURSAR_URL nor REDIS_URL is set: Bursar runs beside this program, in ${folder}${answers}`,
    { type: 'BursarWarning', code: 'BURSAR_EMBEDDED' },
  )
}

const cannotStart = (reason: string): BursarError =>
  new BursarError(
    'GATEWAY_UNAVAILABLE',
    `no Bursar could be started beside this process (${reason}): start one (npx bursar start), which says why, or set BURSAR_URL or REDIS_URL`,
    { retryable: true },
  )
