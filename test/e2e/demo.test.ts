import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { addUpBill } from './run-replay.ts'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const LIMIT_MS = 120_000

const count = z.int().min(0)
const Summary = z.object({
  ...{ requests: count, answered: count, cached: count, parked: count, refused: count },
  ...{ expired: count, cancelled: count, failed: count, joined: count, steppedDown: count },
  ...{ spentNano: count, savedNano: count, heldNano: count, overspendNano: count },
  ...{ ledgerNano: count, billedNano: count, overrunNano: count, unconfirmed: count },
  seconds: z.number(),
})

test('the demo runs with nothing but Node, and its books agree with the bill', {
  timeout: LIMIT_MS,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-demo-'))
  try {
    const startedMs = performance.now()
    const { stdout } = await run(process.execPath, [PROGRAM, 'demo', '--json'], {
      cwd: folder,
      // Neither a server nor an address of one can be found.
      env: { PATH: dirname(process.execPath), HOME: folder, TMPDIR: folder },
    })
    expect(performance.now() - startedMs).toBeLessThan(LIMIT_MS)
    const lines = stdout.trimEnd().split('\n')
    const summary = Summary.parse(JSON.parse(lines.at(-1) ?? ''))
    const { answered, cached, joined, parked, refused, requests } = summary
    expect(answered + cached + joined + parked + refused).toBe(requests)
    expect(Math.min(answered, cached, parked, refused, summary.steppedDown)).toBeGreaterThan(0)
    expect(summary).toMatchObject({ overspendNano: 0, heldNano: 0, overrunNano: 0, failed: 0 })
    expect(summary.ledgerNano).toBe(await addUpBill(join(folder, '.bursar', 'demo')))
    expect(summary.spentNano).toBe(summary.ledgerNano)
    expect(summary.savedNano).toBeGreaterThan(0)
    expect(stdout).toContain("counters, ledger and the provider's bill agree")
    expect(stdout).toContain('npm start')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
