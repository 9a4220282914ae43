import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A private server: stopped for good, crashed, frozen, or started again on the same port and data. */
export interface Server {
  readonly url: string
  /** Ends the server and removes its data. Safe to call twice. */
  stop(): Promise<void>
  /** Crash: no goodbye, no checkpoint; the data stays for `restart`. */
  kill(): Promise<void>
  /** Freezes the server: connections stay open and nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Starts again on the same port and data, after a clean shutdown if it still runs. */
  restart(): Promise<void>
}

/** What `launch` needs. */
export interface LaunchOptions {
  readonly file: string
  readonly args: readonly string[]
  /** Seen in the output (either stream) when the server takes connections. */
  readonly ready: RegExp
  readonly user?: { readonly uid: number; readonly gid: number }
  readonly readyTimeoutMs?: number
  /** Called as soon as there is a process, long before it is ready. */
  readonly onStart?: (pid: number) => void
}

/** A port that was free a moment ago on the loopback address. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no loopback port')
  return address.port
}

/**
 * Starts a server in a process group of its own (ctrl-C in the terminal does not reach it first) and waits until
 * it is ready.
 * @throws with the end of its output when it ends or stays silent before that.
 */
export async function launch(options: LaunchOptions): Promise<ChildProcess> {
  const { file, args, user } = options
  const child = spawn(file, args, { ...user, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  if (child.pid !== undefined) options.onStart?.(child.pid)
  await untilReady(child, options)
  return child
}

function untilReady(child: ChildProcess, options: LaunchOptions): Promise<void> {
  const limitMs = options.readyTimeoutMs ?? 60_000
  return new Promise((resolve, reject) => {
    let seen = ''
    const fail = (why: string) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new Error(`${options.file} ${why}:\n${seen.slice(-2_000)}`))
    }
    const timer = setTimeout(() => fail(`was not ready after ${limitMs} ms`), limitMs)
    const look = (chunk: Buffer) => {
      seen = (seen + chunk).slice(-8_000)
      if (!options.ready.test(seen)) return
      clearTimeout(timer)
      child.stdout?.off('data', look).resume()
      child.stderr?.off('data', look).resume()
      child.off('exit', ended)
      resolve()
    }
    const ended = (code: number | null) => fail(`ended with ${code}`)
    child.stdout?.on('data', look)
    child.stderr?.on('data', look)
    child.once('exit', ended)
    child.once('error', (error) => fail(error.message))
  })
}

/** Sends a signal and waits for the end; a frozen process is woken for it. Nothing happens when it has ended. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return
  const gone = once(child, 'exit')
  child.kill(signal)
  child.kill('SIGCONT')
  await gone
}

export const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null

/**
 * Runs a shell command when this process is gone, however it died (ctrl-C and kill -9 too): a watcher that
 * outlives us sees our end of its pipe close. The command finds `args` as $1, $2 ...
 * @returns a function that calls the watcher off.
 */
export function whenWeDie(command: string, args: readonly string[]): () => void {
  const script = ['-c', `read -r _; ${command}`, 'watcher', ...args]
  const watcher = spawn('/bin/sh', script, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  watcher.unref()
  return () => {
    watcher.kill('SIGKILL')
  }
}
