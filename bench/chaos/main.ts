/**
 * Everything goes wrong at once, and every cent is judged afterwards: workers and Redis die by kill -9, Redis freezes and
 * goes away, the provider misbehaves, and the policy is edited, while callers ask. Servers of its own, the built program.
 * Exit code 1 when a budget was overspent, or anything is lost, doubled, leaked or does not agree.
 */

import { createOutput } from '../../src/cli/output.ts'
import { messageOf } from '../../src/errors.ts'
import type { Judgement } from './judge.ts'
import { type ChaosOptions, readChaosOptions, USAGE } from './options.ts'
import { runChaos } from './run.ts'

const { stdout, stderr } = process
const output = createOutput({ stdout, stderr, colour: true })

async function main(options: ChaosOptions): Promise<boolean> {
  const progress = output.progress(Math.ceil(options.seconds))
  try {
    const { verdict, differences } = await runChaos(options, progress.update)
    progress.stop()
    tell({ verdict, differences }, options.json)
    return differences.length === 0 && verdict.overspendNano === 0
  } finally {
    progress.stop()
  }
}

function tell({ verdict, differences }: Judgement, json: boolean): void {
  for (const { what, count, examples } of differences) {
    output.note(`${count} ${what}, e.g. ${examples.join(' | ')}`)
  }
  if (json) output.json(verdict)
  else
    output.table(
      ['', ''],
      Object.entries(verdict).map(([name, value]) => [name, String(value)]),
    )
}

try {
  process.exitCode = (await main(readChaosOptions(process.argv.slice(2)))) ? 0 : 1
} catch (error) {
  output.note(`${messageOf(error)}\n${USAGE}`)
  // Callers may still wait for a Redis that is gone.
  process.exit(2)
}
