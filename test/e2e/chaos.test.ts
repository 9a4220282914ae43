import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { compiled } from '../helpers/compiled.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CHAOS = await compiled(new URL('../../bench/chaos/main.ts', import.meta.url))
const WORDS = [CHAOS, '--json', '--workers', '3']

const count = z.int().min(0)
const Verdict = z.strictObject({
  samples: count,
  kills: count,
  overspendNano: count,
  lost: count,
  doubled: count,
  leakedHolds: count,
  mismatches: count,
  unconfirmed: count,
  overrunNano: count,
})

/** Runs the chaos as a process of its own, as people do. */
const runChaos = (seconds: number): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const words = [...WORDS, '--seconds', String(seconds)]
    const child = execFile(process.execPath, words, { cwd: ROOT }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })

test('half a minute of chaos loses, doubles, leaks and overspends nothing', async () => {
  const { code, stdout, stderr } = await runChaos(30)
  const {
    samples,
    kills,
    unconfirmed: _,
    overrunNano: __,
    ...faults
  } = Verdict.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''))
  expect(faults, stderr).toEqual({
    overspendNano: 0,
    lost: 0,
    doubled: 0,
    leakedHolds: 0,
    mismatches: 0,
  })
  expect(code, stderr).toBe(0)
  expect(samples).toBeGreaterThan(20)
  expect(kills).toBeGreaterThan(2)
}, 300_000)
