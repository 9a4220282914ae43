#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { createOutput } from './output.ts'
import { runCli } from './run.ts'

/** package.json stands two folders above this file in the sources and three in `dist/`. */
function readVersion(): string {
  const found = ['../../package.json', '../../../package.json']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url))
  if (!found) return '0.0.0'
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(found, 'utf8'))).version
}

/** The first SIGINT or SIGTERM asks for a drain; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1)
      stop.abort()
    })
  }
  return stop.signal
}

if (existsSync('.env')) process.loadEnvFile('.env')
process.exitCode = await runCli(
  process.argv.slice(2),
  {
    env: process.env,
    output: createOutput({
      stdout: process.stdout,
      stderr: process.stderr,
      colour: !process.env.NO_COLOR,
    }),
    signal: stopSignal(),
  },
  readVersion(),
)
