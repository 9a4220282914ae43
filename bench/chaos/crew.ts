import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type Draw, drawOne } from '../../src/cli/traffic/draw.ts'

/** What is published, and nothing of the sources: `npm run build` makes it. */
const built = (path: string): string =>
  fileURLToPath(new URL(`../../dist/${path}`, import.meta.url))
const PROGRAM = built('src/cli/main.js')
const SANDBOX = built('sandbox/main.js')

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null

async function end(child: ChildProcess, limitMs: number): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  const force = setTimeout(() => child.kill('SIGKILL'), limitMs)
  child.kill('SIGTERM')
  await ended
  clearTimeout(force)
}

export interface SandboxProcess {
  readonly url: string
  close(): Promise<void>
}

/** Starts the simulated provider; `bill` is what it is judged by. */
export async function startSandbox(
  bill: string,
  faults: string,
  seed: number,
): Promise<SandboxProcess> {
  const words = ['--bill', bill, '--faults', faults, '--seed', String(seed), '--latency', '30']
  const child = spawn(process.execPath, [SANDBOX, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(String(line)))
  return { url, close: () => end(child, 5_000) }
}

/** Worker processes of `bursar start`, of which one dies now and then. */
export interface Crew {
  /** Killed on purpose. */
  readonly killed: number
  /** Were ready once, and ended though nobody asked them to: each is a fault. */
  readonly fallen: number
  /** kill -9 for one of those that work, while at least half of them do: somebody has to spend. */
  killOne(): void
  close(): Promise<void>
}

const WORDS = ['start', '--with-parent', '--roles', 'completions,ledger,jobs']
const CLOSE_MS = 30_000

/** Starts workers and keeps their number, as a supervisor does: one that could not start is started again. */
export async function startCrew(
  count: number,
  options: { readonly env: NodeJS.ProcessEnv; readonly log: string; readonly draw: Draw },
): Promise<Crew> {
  const log = openSync(options.log, 'a')
  const all = new Set<ChildProcess>()
  const working = new Set<ChildProcess>()
  const doomed = new Set<ChildProcess>()
  let closing = false
  let [killed, fallen] = [0, 0]

  function start(): Promise<unknown> {
    const child = spawn(process.execPath, [PROGRAM, ...WORDS], {
      env: options.env,
      stdio: ['ignore', log, log, 'ipc'],
    })
    all.add(child)
    child.on('message', (word) => {
      if (typeof word === 'object' && word !== null && 'ready' in word) working.add(child)
    })
    child.once('exit', () => {
      all.delete(child)
      const worked = working.delete(child)
      if (closing) return
      if (!doomed.has(child) && worked) fallen += 1
      void start()
    })
    return Promise.race([once(child, 'message'), once(child, 'exit')])
  }

  await Promise.all(Array.from({ length: count }, start))
  return {
    get killed() {
      return killed
    },
    get fallen() {
      return fallen
    },
    killOne() {
      const living = [...working].filter((child) => !doomed.has(child))
      if (living.length < count / 2) return
      const victim = drawOne(options.draw, living)
      if (!victim) return
      doomed.add(victim)
      killed += 1
      victim.kill('SIGKILL')
    },
    async close() {
      closing = true
      await Promise.all([...all].map((child) => end(child, CLOSE_MS)))
    },
  }
}
