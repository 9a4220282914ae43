import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { say } from './say.ts'

const POLICY = '/usr/sbin/policy-rc.d'
// A second `npm ci && npm test` on the machine may be installing too.
const LOCK = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']

/** @returns whether packages can be installed here without asking anyone: root, with apt-get. */
export const canInstall = (): boolean => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')

/**
 * Installs Debian packages without starting what they serve.
 * @throws when apt-get fails; its last lines are in the message.
 */
export async function install(packages: readonly string[]): Promise<void> {
  const start = Date.now()
  say(`installing ${packages.join(' and ')} with apt-get: this can take a minute or two`)
  await withoutStarting(async () => {
    await aptGet(['update', '-q'])
    await aptGet(['install', '-y', '-q', '--no-install-recommends', ...packages])
  })
  say(`installed in ${Math.round((Date.now() - start) / 1000)} s`)
}

/** `policy-rc.d` answering 101 forbids package scripts to start services; an existing one is respected. */
async function withoutStarting(work: () => Promise<void>): Promise<void> {
  if (existsSync(POLICY)) return await work()
  await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await work()
  } finally {
    await rm(POLICY, { force: true })
  }
}

function aptGet(args: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const child = spawn('apt-get', [...LOCK, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let tail = ''
  const keep = (chunk: Buffer) => {
    tail = (tail + chunk).slice(-2_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`apt-get ${args[0]} ended with ${code}:\n${tail}`))
    })
  })
}
