import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '../test/helpers/services/server.ts'

const PACKAGE = '@portkey-ai/gateway'
const VERSION = '1.15.2'
const TRIES = 200

/** Another gateway: a plain proxy that governs nothing. */
export interface Portkey {
  readonly url: string
  stop(): Promise<void>
}

/** Installs it into a temporary folder. @returns the folder, to be removed afterwards. */
export async function installPortkey(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-portkey-'))
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts']
  await promisify(execFile)('npm', [
    'install',
    '--prefix',
    folder,
    ...quiet,
    `${PACKAGE}@${VERSION}`,
  ])
  return folder
}

export const removeInstalled = (folder: string): Promise<void> => rm(folder, { recursive: true })

/** @param folder - where it is installed. @throws {Error} it is not there, or does not listen. */
export async function startPortkey(folder: string): Promise<Portkey> {
  const main = join(folder, 'node_modules', PACKAGE, 'build/start-server.js')
  if (!existsSync(main))
    throw new Error(`no ${PACKAGE} in ${folder}: npm install --prefix it there`)
  const port = await freePort()
  const child = spawn(process.execPath, [main, `--port=${port}`, '--headless'], {
    cwd: folder,
    env: { PATH: process.env.PATH, NODE_ENV: 'production' },
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  for (let tried = 0; tried < TRIES; tried += 1) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    ) {
      return { url, stop: async () => void child.kill('SIGKILL') }
    }
    await pause(50)
  }
  child.kill('SIGKILL')
  throw new Error(`${PACKAGE} did not listen`)
}
