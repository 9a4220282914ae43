import type { ChildProcess } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { end, hasEnded, type LaunchOptions, launch, type Server, whenWeDie } from './server.ts'

export interface BinaryServer extends LaunchOptions {
  readonly url: string
  /** Removed by `stop`. */
  readonly folder: string
  readonly signals: { readonly shutdown: NodeJS.Signals; readonly crash: NodeJS.Signals }
  /** Processes that freeze with the main one. */
  readonly helpers?: () => Promise<readonly number[]>
}

// QUIT is how PostgreSQL crashes without leaving its children behind; other servers only see the KILL.
const CLEAN_UP = 'kill -CONT "$1"; kill -"$2" "$1"; sleep 1; kill -KILL "$1"; rm -rf "$3"'

/** Starts a server from its program on this machine. */
export async function fromBinary(options: BinaryServer): Promise<Server> {
  let child: ChildProcess
  let callOff = () => {}
  let frozen: readonly number[] = []
  const start = async () => {
    child = await launch({ ...options, onStart: watch })
  }
  const watch = (pid: number) => {
    const signal = options.signals.crash.slice('SIG'.length)
    callOff = whenWeDie(CLEAN_UP, [String(pid), signal, options.folder])
  }
  const leave = async (signal: NodeJS.Signals) => {
    thaw()
    await end(child, signal)
    callOff()
  }
  const thaw = () => {
    for (const pid of frozen) signalIfAlive(pid, 'SIGCONT')
    frozen = []
  }
  await start()
  return {
    url: options.url,
    async stop() {
      await leave(options.signals.shutdown)
      await rm(options.folder, { recursive: true, force: true })
    },
    kill: () => leave(options.signals.crash),
    async pause() {
      const main = child.pid
      if (main === undefined || hasEnded(child)) throw new Error('the server does not run')
      frozen = [main, ...((await options.helpers?.()) ?? [])]
      for (const pid of frozen) signalIfAlive(pid, 'SIGSTOP')
    },
    async resume() {
      thaw()
    },
    async restart() {
      await leave(options.signals.shutdown)
      await start()
    },
  }
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended on its own.
  }
}
