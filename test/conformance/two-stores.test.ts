import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
import { memorySlot, redisSlot, type SlotUnderTest, type TestClock } from './stores.ts'

/**
 * Two stores, one machine: the same generated commands, under the same clock, answer the same and leave the same
 * behind, in the in-memory store and in Redis. 200 sequences of 60 commands are 12,000 on each.
 */
const SEQUENCES = 200
const LENGTH = 60

// Of its own and without fsync: decisions are compared here, not durability.
let server: Server
let redis: Redis
beforeAll(async () => {
  server = await startRedis({ appendfsync: 'no' })
  redis = new Redis(server.url)
})
afterAll(async () => {
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

const TOGETHER: readonly Step['do'][] = ['intake', 'admit', 'settle']

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

test('both stores answer 12,000 generated commands alike and leave the same behind', async () => {
  const seen = new Map<string, number>()
  const law = fc.asyncProperty(steps(LENGTH), async (sequence) => {
    const clocks = [{ nowMs: START_MS }, { nowMs: START_MS }] as const
    const memory = await memorySlot(clocks[0])
    const slot = await redisSlot(redis, clocks[1])
    const wanted = await run(memory, clocks[0], sequence)
    const got = await run(slot, clocks[1], sequence)
    wanted.replies.forEach((reply, i) => {
      expect(got.replies[i], JSON.stringify(sequence[i])).toEqual(reply)
    })
    expect(got).toEqual(wanted)
    await Promise.all([memory.close(), slot.close()])
    for (const { did, reply } of wanted.replies as { did: string; reply: { outcome: string } }[]) {
      const name = `${did} ${reply.outcome}`
      seen.set(name, (seen.get(name) ?? 0) + 1)
    }
  })
  await fc.assert(law, { numRuns: SEQUENCES, endOnFailure: true })
  expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(10_000)
  // A generator that never reached an answer would prove nothing about it.
  expect([...seen.keys()].sort()).toEqual(EVERY_ANSWER)
})

const EVERY_ANSWER = [
  'admit busy',
  'admit cached',
  'admit cancelled',
  'admit concluded',
  'admit held',
  'admit over-budget',
  'admit stale',
  'admit takes-exhausted',
  'admit void',
  'cancel already',
  'cancel flagged',
  'conclude already',
  'conclude concluded',
  'expire expired',
  'intake cached',
  'intake concluded',
  'intake queued',
  'intake refused',
  'release kept',
  'release released',
  'renew renewed',
  'settle adjusted',
  'settle orphan',
  'settle settled',
  'settle too-old',
  'settle unchanged',
]
