/**
 * Runs the demo as in a terminal and writes what it shows in the end, with its colours, as a picture for the README:
 * `npm run picture`. Every character has its cell, so the picture looks the same with any monospaced font.
 */
import { writeFile } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createOutput } from '../src/cli/output.ts'
import { runCli } from '../src/cli/run.ts'
import { drawTerminal } from './terminal-svg.ts'

const PICTURE = fileURLToPath(new URL('../docs/images/demo.svg', import.meta.url))

/** Whatever is written there, as a terminal would be sent it. */
function collector() {
  const stream = Object.assign(new PassThrough(), { isTTY: true })
  let text = ''
  stream.on('data', (chunk) => {
    text += String(chunk)
  })
  return { stream, text: () => text }
}

const [stdout, stderr] = [collector(), collector()]
const output = createOutput({ stdout: stdout.stream, stderr: stderr.stream, colour: true })
const context = { env: process.env, output, signal: new AbortController().signal }
process.exitCode = await runCli(['demo'], context, '0.0.0')
if (process.exitCode !== 0) process.stderr.write(stderr.text())
else await writeFile(PICTURE, drawTerminal('npm run demo', stdout.text().trim()))
