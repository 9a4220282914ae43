import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs a program; `undefined` when it is missing or fails. */
export async function output(file: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await run(file, args)).stdout.trim()
  } catch {
    return undefined
  }
}

const majorOf = (text: string | undefined, pattern: RegExp): number =>
  Number(pattern.exec(text ?? '')?.[1] ?? 0)

const BREW = ['/opt/homebrew', '/usr/local', '/home/linuxbrew/.linuxbrew']
const REDIS_MIN = 7
const POSTGRES_MIN = 14

/** @returns the path of a redis-server of version 7 or later, `undefined` when there is none. */
export async function findRedis(): Promise<string | undefined> {
  const places = ['redis-server', '/usr/bin/redis-server']
  for (const path of [...places, ...BREW.map((root) => join(root, 'bin/redis-server'))]) {
    if (majorOf(await output(path, ['--version']), /v=(\d+)\./) >= REDIS_MIN) return path
  }
  return undefined
}

/** @returns the folder that holds `initdb` and `postgres` of version 14 or later, '' when they are on PATH. */
export async function findPostgres(): Promise<string | undefined> {
  for (const folder of await postgresFolders()) {
    const version = await output(join(folder, 'postgres'), ['--version'])
    const complete =
      folder === '' ? await output('initdb', ['--version']) : existsSync(join(folder, 'initdb'))
    if (complete && majorOf(version, /\) (\d+)/) >= POSTGRES_MIN) return folder
  }
  return undefined
}

async function postgresFolders(): Promise<readonly string[]> {
  const debian = versionsIn('/usr/lib/postgresql', /^\d+$/)
  const brew = BREW.flatMap((root) => versionsIn(join(root, 'opt'), /^postgresql(@\d+)?$/))
  const configured = await output('pg_config', ['--bindir'])
  return [
    '',
    ...[...debian, ...brew].map((root) => join(root, 'bin')),
    ...(configured ? [configured] : []),
  ]
}

function versionsIn(root: string, pattern: RegExp): readonly string[] {
  if (!existsSync(root)) return []
  const names = readdirSync(root).filter((name) => pattern.test(name))
  const newestFirst = (a: string, b: string) => b.localeCompare(a, 'en', { numeric: true })
  return names.sort(newestFirst).map((name) => join(root, name))
}

const CHROMIUMS = [
  'chromium',
  '/usr/bin/chromium',
  'google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** @returns the path of a Chromium, `undefined` when there is none. */
export async function findChromium(): Promise<string | undefined> {
  for (const path of CHROMIUMS) {
    const version = await output(path, ['--version'])
    if (version === undefined) continue
    return path.startsWith('/') ? path : await output('which', [path])
  }
  return undefined
}

/** @returns whether a container engine answers. */
export async function hasDocker(): Promise<boolean> {
  return (await output('docker', ['info', '--format', '{{.ServerVersion}}'])) !== undefined
}
