import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { childEnv } from '../helpers/child-env.ts'
import { addUpBill } from './run-replay.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const LIMIT_MS = 180_000

const count = z.int().min(0)
const Summary = z.object({
  ...{ requests: count, answered: count, cached: count, parked: count, refused: count },
  ...{ expired: count, cancelled: count, failed: count, joined: count, steppedDown: count },
  ...{ spentNano: count, savedNano: count, heldNano: count, overspendNano: count },
  ...{ ledgerNano: count, billedNano: count, overrunNano: count, unconfirmed: count },
  seconds: z.number(),
})

const Reported = z.object({
  total: z.object({ savedNano: z.object({ cached: count, joined: count, embeddings: count }) }),
})

/** Neither a server nor an address of one can be found. */
const bare = (folder: string) => ({
  ...{ ...childEnv(), PATH: dirname(process.execPath), HOME: folder, TMPDIR: folder },
})

/** Starts a demo that stays. @returns its lines, once the last of them was said. */
async function startDemo(folder: string) {
  const child = spawn(process.execPath, [PROGRAM, 'demo', '--json', '--keep'], {
    ...{ cwd: folder, env: bare(folder), stdio: ['ignore', 'pipe', 'inherit'] },
  })
  const ended = once(child, 'exit')
  const lines: string[] = []
  if (!child.stdout) throw new Error('the demo has no output')
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (line.startsWith('{')) break
  }
  const stop = async () => {
    child.kill('SIGINT')
    return (await ended)[0]
  }
  return { lines, stop }
}

/** Runs a line as it was shown, in another terminal. */
async function type(line: string, folder: string): Promise<string> {
  const command = line.replace('npx bursar', `"${process.execPath}" "${PROGRAM}"`)
  const env = { ...bare(folder), PATH: process.env.PATH }
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { cwd: folder, env })
  return stdout
}

test('the demo runs with nothing but Node, its books agree with the bill, and it stays to be asked', {
  timeout: LIMIT_MS,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-demo-'))
  try {
    const { lines, stop } = await startDemo(folder)
    const summary = Summary.parse(JSON.parse(lines.at(-1) ?? ''))
    const { answered, cached, joined, parked, refused, requests } = summary
    expect(answered + cached + joined + parked + refused).toBe(requests)
    const shown = [answered, cached, joined, parked, refused, summary.steppedDown]
    expect(Math.min(...shown, summary.savedNano)).toBeGreaterThan(0)
    expect(summary).toMatchObject({ overspendNano: 0, heldNano: 0, overrunNano: 0, failed: 0 })
    expect(summary.ledgerNano).toBe(await addUpBill(join(folder, '.bursar', 'demo')))
    expect(summary.spentNano).toBe(summary.ledgerNano)
    expect(lines.join('\n')).toContain("counters, ledger and the provider's bill agree")

    const steps = lines.flatMap((line) => /^ {2}(BURSAR_DATA=.*|curl .*)$/.exec(line)?.[1] ?? [])
    expect(steps).toHaveLength(4)
    const [byUser = '', parkedJobs = '', verify = '', curl = ''] = steps
    expect(await type(byUser, folder)).toContain('barbara')
    const { total } = Reported.parse(JSON.parse(await type(`${byUser} --json`, folder)))
    const { cached: hits, joined: joins, embeddings } = total.savedNano
    expect(Math.min(hits, joins)).toBeGreaterThan(0)
    expect(hits + joins + embeddings).toBe(summary.savedNano)
    expect(await type(parkedJobs, folder)).toContain('globex')
    expect(await type(verify, folder)).toContain('bill')
    expect(await type(`${curl} -s`, folder)).toContain('"outcome":"answered"')
    expect(await stop()).toBe(0)
    // What it shows when it does not stay: the folder of a demo that has ended can be asked, too.
    expect(await type(byUser, folder)).toContain('barbara')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
