import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { slotKeys } from '../../src/admission/keys.ts'
import { createMemoryStore } from '../../src/admission/memory.ts'
import { emptySlot, type SlotState } from '../../src/admission/model.ts'
import { packSlot } from '../../src/admission/redis/pack-slot.ts'
import { createRestorer } from '../../src/admission/redis/restore.ts'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import type { AdmissionStore } from '../../src/admission/store.ts'
import {
  JOBS,
  LIMITS,
  REQUEST_LIMITS,
  runStep,
  START_MS,
  type Step,
  steps,
  windowKeys,
} from '../conformance/commands.ts'
import { freshPrefix } from '../helpers/redis.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'

// Of its own and without fsync: what is compared here are decisions.
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

const EPOCH = 2
const MOVE = randomUUID()

const claimed = (prefix: string, nowMs = START_MS, move = MOVE) =>
  createRestorer({ redis, prefix, move, epoch: EPOCH, clock: () => nowMs })

/** What a start does with what the process before it held. */
async function endHolds(store: AdmissionStore, state: SlotState, nowMs: number): Promise<void> {
  for (const [attempt, record] of state.attempts) {
    if (record.state === 'H') state.exp.set(attempt, nowMs)
  }
  await store.expire(1_000)
}

async function moveTo(prefix: string, state: SlotState, nowMs: number): Promise<void> {
  const restorer = claimed(prefix, nowMs)
  expect(await restorer.claim()).toBe('claimed')
  const spentNano = (key: string) => state.windows.get(key)?.spentNano ?? 0
  const records = [...packSlot({ state, spentNano, nowMs })].map(({ packed }) => packed)
  await restorer.restore(records)
  await restorer.restore(records)
  await restorer.open()
}

async function everything(store: AdmissionStore) {
  const windows = await store.peek(windowKeys())
  return {
    windows,
    limits: await store.peekLimits([...LIMITS, ...REQUEST_LIMITS]),
    results: await store.results(JOBS),
    bodies: await Promise.all(JOBS.map((job) => store.body(job))),
    outbox: (await store.outbox.read('0', 10_000)).map(({ id: _, ...entry }) => entry),
  }
}

const withoutEpoch = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (name, inner) => (name === 'epoch' ? 0 : inner)))

async function play(store: AdmissionStore, clock: { nowMs: number }, sequence: readonly Step[]) {
  const replies: unknown[] = []
  for (const step of sequence) {
    clock.nowMs += step.advanceMs
    const reply: unknown = await runStep(store, step)
    replies.push(reply)
  }
  return replies
}

test('a slot that was moved decides, from then on, as the one it came from would have', async () => {
  const law = fc.asyncProperty(steps(60), async (generated) => {
    // The new life has another epoch and an outbox of its own: what a rebuild reads, and what an adoption
    // numbers, is not the same.
    const sequence = generated.filter(({ do: one }) => one !== 'rebuild' && one !== 'adopt')
    const clock = { nowMs: START_MS }
    const state = emptySlot()
    const memory = createMemoryStore({ clock: () => clock.nowMs, state })
    await memory.open(1)
    await play(memory, clock, sequence.slice(0, 40))
    await endHolds(memory, state, clock.nowMs)
    // The ledger has read everything, and what only the process knew is gone with it.
    await memory.outbox.acknowledge(1, state.out.at(-1)?.id ?? '0')
    state.cache.clear()
    state.flights.clear()

    const prefix = freshPrefix()
    await moveTo(prefix, state, clock.nowMs)
    const there = { nowMs: clock.nowMs }
    const moved = await createRedisStore({ redis, prefix, clock: () => there.nowMs })
    const rest = sequence.slice(40)
    const wanted = await play(memory, clock, rest)
    const got = await play(moved, there, rest)
    for (const [at, reply] of wanted.entries()) {
      expect(withoutAcked(got[at]), JSON.stringify(rest[at])).toEqual(withoutAcked(reply))
    }
    expect(withoutEpoch(await everything(moved))).toEqual(withoutEpoch(await everything(memory)))
    await Promise.all([memory.close(), moved.close()])
  })
  await fc.assert(law, { numRuns: 100, endOnFailure: true })
}, 120_000)

/** The new life has an outbox of its own. */
const withoutAcked = (reply: unknown): unknown =>
  JSON.parse(JSON.stringify(reply, (name, inner) => (name === 'acked' ? '0' : inner)))

test('a claimed slot is closed to everybody, and takes records of its own move alone', async () => {
  const prefix = freshPrefix()
  const mine = claimed(prefix)
  expect(await mine.claim()).toBe('claimed')
  expect(await mine.claim()).toBe('claimed')
  const stranger = claimed(prefix, START_MS, randomUUID())
  expect(await stranger.claim()).toBe('taken')
  await expect(stranger.restore([])).rejects.toMatchObject({ code: 'SLOT_CLOSED' })
  await expect(stranger.open()).rejects.toMatchObject({ code: 'SLOT_CLOSED' })
  const store = await createRedisStore({ redis, prefix })
  expect(await store.outbox.slot()).toBeNull()
  expect(await store.cancel('j1')).toEqual({ outcome: 'unavailable' })
  await mine.open()
  await mine.open()
  expect(await mine.claim()).toBe('open')
  await expect(mine.restore([])).rejects.toMatchObject({ code: 'SLOT_CLOSED' })
  expect(await store.outbox.slot()).toEqual({ epoch: EPOCH, acked: '0', trimmed: '0' })
  await store.close()
})

test('nothing that was moved stays for ever, but the windows that are swept', async () => {
  const prefix = freshPrefix()
  const state = emptySlot()
  const nowMs = Date.now()
  state.jobs.set('j', { ...JOB, done: 'answered', atMs: nowMs })
  state.results.set('j', { text: '\n{}', untilMs: nowMs + 60_000 })
  state.results.set('old', { text: '\n{}', untilMs: nowMs - 1 })
  state.bodies.set('j', { text: '{}', untilMs: nowMs + 60_000 })
  state.gates.set('openai:big', nowMs + 60_000)
  state.limits.set('tpm', {
    ...{ kind: 'sliding-window', stepMs: 1_000, step: Math.floor(nowMs / 1_000), sum: 3 },
    steps: new Map([[Math.floor(nowMs / 1_000) - 1, 3]]),
  })
  const windowAt = { perMs: 3_600_000, startMs: nowMs - (nowMs % 3_600_000) }
  state.limits.set('hourly', { kind: 'fixed-window', ...windowAt, count: 2 })
  state.limits.set('past', {
    kind: 'fixed-window',
    perMs: 60_000,
    startMs: nowMs - 60_000,
    count: 2,
  })
  state.limits.set('burst', { kind: 'token-bucket', tatUs: (nowMs + 30_000) * 1_000 })
  const restorer = createRestorer({ redis, prefix, move: MOVE, epoch: EPOCH })
  await restorer.claim()
  const packed = [...packSlot({ state, spentNano: () => 0, nowMs })].map((one) => one.packed)
  await restorer.restore(packed)
  const { slot, move } = slotKeys(prefix)
  const keys = (await redis.keys(`${prefix}*`)).filter((key) => key !== slot && key !== move)
  const names = keys.map((key) => key.slice(prefix.length + 1)).toSorted()
  const limits = ['q:burst', 'q:hourly', 'q:tpm']
  expect(names).toEqual(['body:j', 'gates', 'j:j', ...limits, 'res:j'])
  for (const key of keys) expect(await redis.pttl(key), key).toBeGreaterThan(0)
  expect(await redis.pttl(`${prefix}:q:tpm`)).toBeLessThan(64_000)
})

const JOB = { queued: true, cancelled: false, n: 1, joined: '', joins: 0 } as const
