import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { startSandbox } from '../../sandbox/server.ts'
import { compiled } from '../helpers/compiled.ts'
import { POLICY } from '../integration/queue-rig.ts'

const CHILD = await compiled(new URL('./embedded-life-child.ts', import.meta.url))
/** Moments, in lines that the life has said; fixed, and anywhere from starting up to being busy. */
const MOMENTS = [1, 2, 9, 25, 40, 3, 60, 14] as const
/** BURSAR_KILLS=50 takes about five minutes. */
const KILLS = Number(process.env.BURSAR_KILLS ?? MOMENTS.length)
const SEED = 11

const Line = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ promised: z.string() }),
  z.object({
    differences: z.array(z.unknown()),
    summary: z.object({
      requests: z.int(),
      answered: z.int(),
      heldNano: z.int(),
      overspendNano: z.int(),
      spentNano: z.int(),
      ledgerNano: z.int(),
      billedNano: z.int(),
      unconfirmed: z.int(),
    }),
  }),
])

type Env = Readonly<Record<string, string>>

/** Runs one life. @param lines - said before it is killed; null = until it ends by itself. */
async function live(env: Env, lines: number | null): Promise<z.output<typeof Line>[]> {
  const child = spawn(process.execPath, [CHILD], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  const said: z.output<typeof Line>[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (child.killed && !line.endsWith('}')) continue // cut by the kill
    said.push(Line.parse(JSON.parse(line)))
    if (said.length === lines) child.kill('SIGKILL')
  }
  const [code] = await closed
  if (lines === null) expect(code).toBe(0)
  else expect(child.killed, 'it ended before it was killed').toBe(true)
  return said
}

test('kill -9 of the embedded process, again and again: no promise is lost, no cent is unknown', {
  timeout: 120_000 + KILLS * 20_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-lives-'))
  const bill = join(folder, 'bill.jsonl')
  const sandbox = await startSandbox({ seed: SEED, bill, latencyMs: 30 })
  try {
    await writeFile(bill, '')
    await writeFile(join(folder, 'bursar.yaml'), POLICY)
    const env = {
      BURSAR_DATA: join(folder, 'data'),
      BURSAR_POLICY: join(folder, 'bursar.yaml'),
      SANDBOX: sandbox.url,
      BILL: bill,
    }
    const promised: string[] = []
    for (let life = 0; life < KILLS; life += 1) {
      const lines = MOMENTS[life % MOMENTS.length] ?? 1
      const said = await live({ ...env, NAME: `life${life}` }, lines)
      promised.push(...said.flatMap((line) => ('promised' in line ? [line.promised] : [])))
    }
    const [verdict] = (
      await live({ ...env, NAME: 'last', PROMISED: JSON.stringify(promised) }, null)
    ).flatMap((line) => ('summary' in line ? [line] : []))
    expect(verdict?.differences).toEqual([])
    expect(verdict?.summary).toMatchObject({
      requests: promised.length,
      heldNano: 0,
      overspendNano: 0,
    })
    expect(verdict?.summary.answered).toBeGreaterThan(promised.length / 2)
    expect(verdict?.summary.unconfirmed).toBeGreaterThan(0)
    expect(verdict?.summary.spentNano).toBe(verdict?.summary.ledgerNano)
    expect(verdict?.summary.billedNano).toBeLessThanOrEqual(verdict?.summary.ledgerNano ?? 0)
  } finally {
    await sandbox.close()
    await rm(folder, { recursive: true })
  }
})
