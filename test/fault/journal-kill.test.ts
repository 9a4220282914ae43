import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openEmbeddedDatabase } from '../../src/embedded/database.ts'
import { compiled } from '../helpers/compiled.ts'
import { LineSchema } from './journal-lines.ts'
import { Witness } from './journal-witness.ts'

const CHILD = await compiled(new URL('./journal-child.ts', import.meta.url))
const SEED = 20_261_121
const FOLDERS = 2
/** BURSAR_KILLS=50 takes about two minutes. */
const KILLS_PER_FOLDER = Math.ceil(Number(process.env.BURSAR_KILLS ?? 20) / FOLDERS)

/**
 * One life on the folder, ended by kill -9 when it has said `lines` lines: the kill arrives while later ones are
 * under way, so it falls anywhere in opening, recovering, admitting, settling, draining or committing.
 */
async function live(folder: string, seed: number, witness: Witness, lines: number): Promise<void> {
  const last = Number.isFinite(lines) ? {} : { LAST: 'yes' }
  const child = spawn(process.execPath, [CHILD], {
    env: { ...process.env, FOLDER: folder, SEED: String(seed), ...last },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  let said = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (child.killed && !line.endsWith('}')) continue // cut by the kill
    witness.hear(LineSchema.parse(JSON.parse(line)))
    said += 1
    if (said === lines) child.kill('SIGKILL')
  }
  const [code] = await ended
  if (!child.killed) expect(code, 'the child ended by itself').toBe(0)
}

test('kill -9 at random moments loses no reply, doubles no entry and leaves no hold', async () => {
  // Mostly in the middle of work; some while it still opens and recovers (the first four lines).
  const moments = fc.sample(
    fc.oneof(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ max: 60, min: 5 }),
      fc.integer({ max: 250, min: 60 }),
    ),
    {
      numRuns: FOLDERS * KILLS_PER_FOLDER,
      seed: SEED,
    },
  )
  const root = await mkdtemp(join(tmpdir(), 'bursar-journal-'))
  await (await openEmbeddedDatabase({ folder: join(root, 'empty') })).close()
  const lives = Array.from({ length: FOLDERS }, async (_, i) => {
    const folder = join(root, String(i))
    await cp(join(root, 'empty', 'pgdata'), folder, { recursive: true })
    const witness = new Witness()
    const mine = moments.slice(i * KILLS_PER_FOLDER, (i + 1) * KILLS_PER_FOLDER)
    for (const [life, lines] of mine.entries()) {
      await live(folder, SEED + 1_000 * i + life, witness, lines)
    }
    await live(folder, SEED, witness, Number.POSITIVE_INFINITY)
    return witness
  })
  for (const witness of await Promise.all(lives)) {
    expect(witness.recoveries).toBeGreaterThan(KILLS_PER_FOLDER / 2)
    expect(witness.acknowledged).toBeGreaterThan(20 * KILLS_PER_FOLDER)
  }
  await rm(root, { recursive: true })
}, 400_000)
