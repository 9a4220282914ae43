#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { readVersion } from '../config/version.ts'
import { createOutput } from './output.ts'
import { runCli } from './run.ts'

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
