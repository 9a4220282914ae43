import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JournalDatabase } from '../../src/admission/journal/database.ts'
import { journalOver } from '../../src/admission/journal/pglite.ts'
import { emptySlot } from '../../src/admission/model.ts'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/embedded/database.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'
import {
  JOBS,
  LIMITS,
  REQUEST_LIMITS,
  runStep,
  START_MS,
  type Step,
  steps,
  windowKeys,
} from './commands.ts'
import {
  journalSlot,
  memorySlot,
  redisSlot,
  reopenedSlot,
  type SlotUnderTest,
  type TestClock,
} from './stores.ts'

/**
 * Three stores, one machine: the same generated commands, under the same clock, answer the same and leave the same
 * behind, in the in-memory store, in Redis and in the journal. 200 sequences of 60 commands are 12,000 on each. After
 * each the journal is opened anew and goes on for another 10 beside the memory that never ended: what it had not
 * written would show.
 */
const SEQUENCES = 200
const LENGTH = 60
const AFTER_REOPENING = 10

// Of its own and without fsync: decisions are compared here, not durability.
let server: Server
let redis: Redis
let embedded: EmbeddedDatabase
let database: JournalDatabase
beforeAll(async () => {
  embedded = await openEmbeddedDatabase({ folder: null })
  database = journalOver(embedded.database)
  server = await startRedis({ appendfsync: 'no' })
  redis = new Redis(server.url)
})
afterAll(async () => {
  await embedded.close()
  await redis.quit()
  await server.stop()
})

async function everything(store: SlotUnderTest) {
  const entries = await store.outbox.read('0', 10_000)
  return {
    windows: await store.peek(windowKeys()),
    limits: await store.peekLimits([...LIMITS, ...REQUEST_LIMITS]),
    results: await store.results(JOBS),
    bodies: await Promise.all(JOBS.map((job) => store.body(job))),
    outbox: entries.map(({ id: _, ...entry }) => entry),
  }
}

const TOGETHER: readonly Step['do'][] = ['intake', 'takeLimits', 'admit', 'settle']

/** Commands of one kind that nothing separates are asked for at once, as the lanes of one process do. */
function burstsOf(sequence: readonly Step[]): Step[][] {
  const bursts: Step[][] = []
  for (const step of sequence) {
    const last = bursts.at(-1)
    const joins = TOGETHER.includes(step.do) && step.advanceMs === 0 && last?.at(-1)?.do === step.do
    if (last && joins) last.push(step)
    else bursts.push([step])
  }
  return bursts
}

async function run(store: SlotUnderTest, clock: TestClock, sequence: readonly Step[]) {
  const published: string[] = []
  await store.onResult('client-1', (job, result) => published.push(`${job} ${result}`))
  await store.onCancel((job) => published.push(`cancel ${job}`))
  const replies: unknown[] = []
  for (const burst of burstsOf(sequence)) {
    clock.nowMs += burst[0]?.advanceMs ?? 0
    const answers = await Promise.all(burst.map((step) => runStep(store, step)))
    burst.forEach((step, i) => {
      replies.push({ did: step.do, reply: answers[i], nowMs: clock.nowMs })
    })
  }
  const left = await everything(store)
  return { replies, ...left, published }
}

type Ran = Awaited<ReturnType<typeof run>>

interface Replied {
  readonly did: string
  readonly reply: { readonly outcome: string; readonly followers?: readonly string[] }
}

function expectSame(got: Ran, wanted: Ran, sequence: readonly Step[]): void {
  wanted.replies.forEach((reply, i) => {
    expect(got.replies[i], JSON.stringify(sequence[i])).toEqual(reply)
  })
  expect(got).toEqual(wanted)
}

test('three stores answer 12,000 generated commands alike and leave the same behind', async () => {
  const seen = new Map<string, number>()
  const law = fc.asyncProperty(steps(LENGTH + AFTER_REOPENING), async (sequence) => {
    const clocks = [{ nowMs: START_MS }, { nowMs: START_MS }, { nowMs: START_MS }] as const
    const state = emptySlot()
    const memory = await memorySlot(clocks[0], state)
    const slot = await redisSlot(redis, clocks[1])
    const journal = await journalSlot(database, clocks[2])
    const first = sequence.slice(0, LENGTH)
    const wanted = await run(memory, clocks[0], first)
    expectSame(await run(slot, clocks[1], first), wanted, first)
    expectSame(await run(journal, clocks[2], first), wanted, first)
    await journal.close()

    const reopened = await reopenedSlot(database, clocks[2])
    const { replies: _, published: __, ...left } = wanted
    expect(await everything(reopened)).toEqual(left)
    // The cache and the calls under way are not journaled.
    state.cache.clear()
    state.flights.clear()
    const rest = sequence.slice(LENGTH)
    await memory.close()
    expectSame(await run(reopened, clocks[2], rest), await run(memory, clocks[0], rest), rest)

    await Promise.all([memory.close(), slot.close(), reopened.close()])
    for (const { did, reply } of wanted.replies as Replied[]) {
      const woke = reply.followers && reply.followers.length > 0 ? [`${did} woke`] : []
      for (const name of [`${did} ${reply.outcome}`, ...woke]) {
        seen.set(name, (seen.get(name) ?? 0) + 1)
      }
    }
  })
  await fc.assert(law, { numRuns: SEQUENCES, endOnFailure: true })
  expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(10_000)
  // A generator that never reached an answer would prove nothing about it.
  expect([...seen.keys()].sort()).toEqual(EVERY_ANSWER)
}, 400_000)

const EVERY_ANSWER = [
  'admit busy',
  'admit cached',
  'admit cancelled',
  'admit concluded',
  'admit held',
  'admit joined',
  'admit late',
  'admit over-budget',
  'admit stale',
  'admit takes-exhausted',
  'admit void',
  'adopt adopted',
  'adopt known',
  'bookLease adjusted',
  'bookLease booked',
  'bookLease orphan',
  'bookLease too-old',
  'bookLease unchanged',
  'cancel already',
  'cancel flagged',
  'closeLease closed',
  'closeLease unreplayed',
  'conclude already',
  'conclude concluded',
  'credit lapsed',
  'credit set',
  'expire expired',
  'intake cached',
  'intake concluded',
  'intake queued',
  'intake refused',
  'keepTurns kept',
  'lease held',
  'lease over-budget',
  'lease stale',
  'lease void',
  'rebuild epoch-changed',
  'rebuild rebuilt',
  'release kept',
  'release released',
  'release woke',
  'renew renewed',
  'settle adjusted',
  'settle orphan',
  'settle settled',
  'settle too-old',
  'settle unchanged',
  'settle woke',
  'takeLimits refused',
  'takeLimits taken',
]
