import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { childEnv } from '../helpers/child-env.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PROGRAM = join(ROOT, 'dist/src/cli/main.js')

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder with the package installed and nothing else of Bursar's, and processes that run in it. */
export interface Terminal {
  readonly folder: string
  bursar(...words: string[]): Promise<Ran>
  /** Runs a module that may import `bursar/client`. */
  program(text: string): Promise<Ran>
  /** Resolves when it has said that it started. */
  start(...words: string[]): Promise<ChildProcess>
  /** Kills what still runs, and removes the folder. */
  close(): Promise<void>
}

/** @param env - beside a PATH on which nothing but Node is found. */
export async function openTerminal(env: Readonly<Record<string, string>> = {}): Promise<Terminal> {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-term-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(ROOT, join(folder, 'node_modules', 'bursar'))
  const children: ChildProcess[] = []
  const run = (words: readonly string[]) => {
    const child = spawn(process.execPath, words, {
      cwd: folder,
      env: { ...childEnv(), PATH: dirname(process.execPath), BURSAR_PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    return child
  }
  let programs = 0
  return {
    folder,
    bursar: (...words) => ended(run([PROGRAM, ...words])),
    async program(text) {
      const file = join(folder, `program-${programs++}.mjs`)
      await writeFile(file, text)
      return ended(run([file]))
    },
    async start(...words) {
      const child = run([PROGRAM, 'start', ...words])
      await untilSaid(child, '"msg":"started"')
      return child
    },
    async close() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function ended(child: ChildProcess): Promise<Ran> {
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk) => {
      texts[name] += String(chunk)
    })
  }
  // Its pipes may outlive it: a companion that ends after it writes to the same.
  const [code] = await once(child, 'close')
  return { code, ...texts }
}

async function untilSaid(child: ChildProcess, words: string): Promise<void> {
  const seen: string[] = []
  child.stderr?.on('data', (chunk) => seen.push(String(chunk)))
  if (!child.stdout) throw new Error('the process has no output')
  for await (const line of createInterface({ input: child.stdout })) {
    seen.push(line)
    if (!line.includes(words)) continue
    child.stdout.resume()
    return
  }
  throw new Error(`it ended before it said ${words}:\n${seen.join('\n')}`)
}
