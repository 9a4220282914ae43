import { PGlite } from '@electric-sql/pglite'
import { z } from 'zod'
import type { AdmitCommand } from '../../src/admission/commands.ts'
import { journalOver } from '../../src/admission/journal/pglite.ts'
import { createJournaledStore } from '../../src/admission/journal/store.ts'
import { LANES, LIFE, type Line, META, WINDOWS } from './journal-lines.ts'

/**
 * One life of an embedded process: says what it finds on disk, recovers, then admits, settles, releases and drains
 * from 16 lanes until it is killed, and says each reply once it has it. Run by `journal-kill.test.ts`.
 */
const { FOLDER, SEED, LAST } = z
  .object({ FOLDER: z.string(), SEED: z.coerce.number(), LAST: z.string().optional() })
  .parse(process.env)

/** Resolves when the line has left this process: what is said then outlives it. */
const say = (line: Line) =>
  new Promise<void>((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    process.stdout.write(`${JSON.stringify(line)}\n`, done)
  })

const pglite = await PGlite.create(FOLDER)
const database = journalOver(pglite)
const store = await createJournaledStore({ database })
await store.open(1)

async function found(at: 'opened' | 'recovered'): Promise<Line> {
  const records = await database.query(
    "select kind, key, value from slot.record where kind in ('attempts', 'windows')",
  )
  const outbox = await database.query('select seq, id, entry from slot.outbox order by seq')
  return { say: 'found', at, ...LIFE.parse({ records, outbox }) }
}

await say(await found('opened'))
const { unconfirmed } = await store.recover()
await say({ say: 'recovered', unconfirmed })
const [lanes] = await store.peekLimits([LANES])
await say({ say: 'lanes', free: lanes?.remaining ?? -1 })
await say(await found('recovered'))

let state = SEED
/** mulberry32: the same work for the same seed, and nothing to load for it. */
function random(): number {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}
const below = (limit: number): number => Math.floor(random() * limit)

const asking = (job: string): AdmitCommand => ({
  attempt: `${job}/a`,
  job,
  policy: 1,
  windows: WINDOWS.filter((_, i) => i === 0 || random() < 0.5),
  rungs: [
    {
      gate: 'p:m',
      fixedNano: 10 + below(90),
      outputPico: 0,
      capTokens: 0,
      floorTokens: 0,
      until: null,
      inputTokens: 0,
    },
  ],
  limits: [LANES],
  cacheKey: null,
  maxTakes: 1,
  ttlMs: 3_600_000,
  meta: META,
})

async function request(job: string): Promise<void> {
  const command = asking(job)
  const { attempt, windows } = command
  const held = await store.admit(command)
  if (held.outcome !== 'held') throw new Error(`not held: ${held.outcome}`)
  await say({ say: 'ack', attempt, state: 'H', nano: held.holdNano })
  const fate = random()
  if (fate < 0.15) return // Its worker hangs: the hold stays open.
  if (fate < 0.25) {
    await store.release({ attempt, job })
    return say({ say: 'ack', attempt, state: 'R', nano: 0 })
  }
  const settled = await store.settle({
    attempt,
    job,
    kind: 'settled',
    costNano: below(held.holdNano + 1),
    atMs: held.atMs,
    holdNano: held.holdNano,
    windows: windows.map(({ key }) => key),
    tokens: null,
    meta: META,
    detail: '',
    conclusion: {
      outcome: 'answered',
      reason: '',
      result: '{}',
      replyTo: '',
      resultTtlMs: 3_600_000,
    },
    cache: null,
    gate: null,
  })
  if (settled.outcome !== 'settled') throw new Error(`not settled: ${settled.outcome}`)
  await say({ say: 'ack', attempt, state: 'S', nano: settled.bookedNano })
}

/** As the ledger's worker does: what was read is booked, then acknowledged. */
async function drain(): Promise<void> {
  const slot = await store.outbox.slot()
  const entries = await store.outbox.read(slot?.acked ?? '0', 25)
  const last = entries.at(-1)
  if (!last) return
  await say({
    say: 'drained',
    entries: entries.map((entry) => ({ id: entry.id, ...deltaOf(entry) })),
  })
  await store.outbox.acknowledge(1, last.id)
}

const deltaOf = (entry: Awaited<ReturnType<typeof store.outbox.read>>[number]) =>
  entry.type === 'posting'
    ? { attempt: entry.attempt, delta: entry.deltaNano, windows: [...entry.windows] }
    : { attempt: '', delta: 0, windows: [] }

async function lane(number: number): Promise<never> {
  for (let turn = 0; ; turn++) {
    if (number === 0) await drain()
    await request(`${SEED}-${number}-${turn}`)
  }
}

if (LAST === undefined) await Promise.all(Array.from({ length: 16 }, (_, i) => lane(i)))
await pglite.close()
