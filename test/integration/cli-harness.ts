import { PassThrough } from 'node:stream'
import { createOutput } from '../../src/cli/output.ts'
import { runCli } from '../../src/cli/run.ts'

/** What a command printed, and its exit code. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A command under way, whose output can be read as it comes. */
export interface Running {
  readonly stdout: PassThrough
  readonly ended: Promise<Ran>
}

export type Env = Readonly<Record<string, string | undefined>>

/** Starts the command line in this process, with an environment and streams of its own. */
export function start(argv: readonly string[], env: Env, signal?: AbortSignal): Running {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const texts = { stdout: '', stderr: '' }
  stdout.on('data', (chunk) => {
    texts.stdout += String(chunk)
  })
  stderr.on('data', (chunk) => {
    texts.stderr += String(chunk)
  })
  const output = createOutput({ stdout, stderr, colour: false })
  const context = { env, output, signal: signal ?? new AbortController().signal }
  const ended = runCli(argv, context, '0.0.0').then((code) => ({ code, ...texts }))
  return { stdout, ended }
}

/** Runs one command to its end. */
export const bursar = (argv: readonly string[], env: Env = {}): Promise<Ran> =>
  start(argv, env).ended
