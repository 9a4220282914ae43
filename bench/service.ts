import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { POLICY } from './governed-policy.ts'

const Listening = z.object({ msg: z.literal('the gateway listens'), url: z.string() })

/** A process that runs `bursar start`, embedded. */
export interface Service {
  readonly url: string
  /** From its birth until it listened. */
  readonly listensMs: number
  stop(): Promise<void>
}

/**
 * A folder of one bench, with a policy in it.
 * @param provider - where the provider is; absent = the sandbox within the process.
 * @param policy - the text of bursar.yaml.
 */
export async function openFolder(
  provider?: string,
  policy: string = POLICY,
): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'bursar-bench-'))
  const there = /base_url: https:.*key: \S+/
  if (provider !== undefined && !there.test(policy)) {
    throw new Error('the policy of the bench names another provider')
  }
  const here = `base_url: ${provider}, key: bench`
  await writeFile(join(path, 'bursar.yaml'), provider ? policy.replace(there, here) : policy)
  return { path, remove: () => rm(path, { recursive: true }) }
}

/** Starts `bursar start` in a folder, and waits until it listens. */
export async function startService(folder: string): Promise<Service> {
  const bornMs = performance.now()
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../src/cli/main.js'), 'start'],
    {
      cwd: folder,
      env: { PATH: process.env.PATH, BURSAR_PORT: '0', LOG_LEVEL: 'info' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const url = await untilListening(child)
  const listensMs = performance.now() - bornMs
  return { url, listensMs, stop: () => end(child) }
}

async function untilListening(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('the service has no output')
  for await (const line of createInterface({ input: child.stdout })) {
    const said = line.startsWith('{') ? Listening.safeParse(JSON.parse(line)) : null
    if (!said?.success) continue
    child.stdout.resume()
    return said.data.url
  }
  throw new Error('the service ended before it listened')
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

/**
 * The sandbox in a process of its own.
 * @param latencyMs - of each of its answers.
 * @param faults - shares of requests that go wrong, as in `429:0.03,500:0.02`.
 */
export async function startProvider(
  latencyMs = 0,
  faults = '',
): Promise<{ url: string; stop(): Promise<void> }> {
  const main = join(import.meta.dirname, '../sandbox/main.js')
  const behaviour = ['--latency', String(latencyMs), ...(faults === '' ? [] : ['--faults', faults])]
  const words = [main, '--seed', '1', ...behaviour]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(String(line)))
  return { url, stop: () => end(child) }
}
