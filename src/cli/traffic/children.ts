import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Environment } from '../../config/options.ts'
import { CHILD_COMMAND } from './child-name.ts'

/** What a child says once it is ready. */
export const ReadySchema = z.object({ ready: z.literal(true), url: z.string().default('') })
export type Ready = z.input<typeof ReadySchema>

export interface Child {
  readonly ready: Promise<z.output<typeof ReadySchema>>
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>
  readonly alive: boolean
  kill(signal: NodeJS.Signals): void
}

/** `bursar` itself, in the sources and in `dist/` alike. */
const PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url),
)

/**
 * Starts a child that runs one role beside this process. It ends when this process does, however that dies: its channel closes.
 * @param log - file that its output is appended to.
 */
export function startChild(words: readonly string[], env: Environment, log: string): Child {
  const file = openSync(log, 'a')
  // Whatever this process needs to read TypeScript, its children need too.
  const args = [...process.execArgv, PROGRAM, CHILD_COMMAND, ...words]
  const child = spawn(process.execPath, args, {
    env: { ...env },
    stdio: ['ignore', file, file, 'ipc'],
  })
  const ended = once(child, 'exit').then(() => {})
  return {
    ready: untilReady(child, words, log),
    ended,
    get alive() {
      return child.exitCode === null && child.signalCode === null
    },
    kill: (signal) => void child.kill(signal),
  }
}

async function untilReady(child: ChildProcess, words: readonly string[], log: string) {
  const gone = once(child, 'exit').then(() => {
    throw new Error(`bursar ${CHILD_COMMAND} ${words.join(' ')} ended too early: see ${log}`)
  })
  const said = once(child, 'message').then(([message]) => ReadySchema.parse(message))
  said.catch(() => {})
  gone.catch(() => {})
  return await Promise.race([said, gone])
}

/** Ends a child: kindly, and by force when that takes longer than `limitMs`. */
export async function endChild(child: Child, limitMs: number): Promise<void> {
  if (!child.alive) return
  const force = setTimeout(() => child.kill('SIGKILL'), limitMs)
  child.kill('SIGTERM')
  await child.ended
  clearTimeout(force)
}
