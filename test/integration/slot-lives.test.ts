import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { unconfirmedConfirm } from '../../src/admin/unconfirmed.ts'
import type { Outbox } from '../../src/admission/outbox.ts'
import { judgeSlot, lookAtSlot } from '../../src/admission/redis/lives.ts'
import { readOptions } from '../../src/config/options.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import { beat } from '../../src/ledger/processes.ts'
import { readSlotLife, readSlotRow } from '../../src/ledger/slot-row.ts'
import { describeSlot } from '../../src/slot/describe.ts'
import { until } from './queue-rig.ts'
import { KEY, type SlotWorld, settling, startSlotWorld } from './slot-world.ts'

/** The interleavings of an emptied slot, by their names; holds are 2, and the budget is 3. */
let world: SlotWorld
beforeEach(async () => {
  world = await startSlotWorld()
})
afterEach(() => world.close())

const epochOf = async () => (await readSlotRow(world.ledger)).epoch

/** Until a process believes in a life. */
const inLife = (member: { store: { epoch(): number } }, epoch: number) =>
  until(async () => member.store.epoch() === epoch)

test('a new slot is opened once, by whichever of many processes comes first', async () => {
  const members = await Promise.all(Array.from({ length: 6 }, () => world.member()))
  expect(members.map(({ store }) => store.epoch())).toEqual([1, 1, 1, 1, 1, 1])
  expect(await readSlotLife(world.ledger)).toMatchObject({
    epoch: 1,
    openedAtMs: expect.any(Number),
  })
})

test('empty-refuses-until-reopened: no command is granted before the counters are the ledger’s', async () => {
  const a = await world.member()
  await a.settle(await a.hold('j/a'), 2)
  await world.drain()
  await world.empty()
  expect(await a.ask('k/a')).toEqual({ outcome: 'unavailable' })
  await inLife(a, 2)
  expect(await world.money()).toEqual({ spent: 2, held: 0, ledger: 2 })
  expect(await a.ask('k/b')).toMatchObject({ outcome: 'over-budget', leftNano: [1] })
})

test('empty-with-live-holds: what was sent is held again, and one process of many reopens', async () => {
  const members = await Promise.all([world.member(), world.member(), world.member()])
  const [a, b] = members
  const hold = await a.hold('j/a')
  hold.consume()
  await world.empty()
  await Promise.all(members.map((one) => inLife(one, 2)))
  expect(await epochOf()).toBe(2)
  expect(await world.money()).toEqual({ spent: 0, held: 2, ledger: 0 })
  expect(await b.ask('k/a')).toMatchObject({ outcome: 'over-budget' })
  expect(await a.settle(hold, 1)).toMatchObject({ outcome: 'settled', bookedNano: 1 })
  await world.drain()
  expect(await world.money()).toEqual({ spent: 1, held: 0, ledger: 1 })
})

test('empty-after-settle-before-drain, known-cost-never-held-again: a known cost is booked, and no more', async () => {
  const [a, b] = [await world.member(), await world.member()]
  await a.settle(await a.hold('j/a'), 1)
  const hold = await b.hold('k/a')
  hold.consume()
  await world.empty()
  await Promise.all([inLife(a, 2), inLife(b, 2)])
  // 2 held again for what cost 1 would pass the limit of 3.
  expect(await world.money()).toEqual({ spent: 1, held: 2, ledger: 0 })
  await world.drain()
  expect(await world.money()).toEqual({ spent: 1, held: 2, ledger: 1 })
})

test('an answer that was not drained is told again in the new life', async () => {
  const a = await world.member()
  await a.settle(await a.hold('j/a'), 1, 'good')
  await world.empty()
  await inLife(a, 2)
  await until(async () => (await a.store.result('j')) !== null)
  expect(await a.store.result('j')).toMatch(/\ngood$/)
  expect(await a.ask('j/b')).toEqual({ outcome: 'concluded', as: 'answered' })
})

test('empty-while-drain-commits: a batch that was read before counts once', async () => {
  const a = await world.member()
  await a.settle(await a.hold('j/a'), 2)
  const { outbox } = a.store
  // The slot is gone when the batch that came from it is written; the new life waits for the commit.
  const slow: Outbox = {
    ...outbox,
    async read(after, limit) {
      const entries = await outbox.read(after, limit)
      await world.empty()
      a.life.nudge()
      return entries
    },
  }
  await drainOnce(world.ledger, slow, { batch: 10 }).catch(() => {})
  await inLife(a, 2)
  await world.drain()
  expect(await world.money()).toEqual({ spent: 2, held: 0, ledger: 2 })
})

test('a drain that comes back from the life before writes nothing', async () => {
  const a = await world.member()
  await a.settle(await a.hold('j/a'), 2)
  const old = await a.store.outbox.read('0', 10)
  await world.empty()
  await inLife(a, 2)
  const stale: Outbox = {
    ...a.store.outbox,
    slot: async () => ({ epoch: 1, acked: '0', trimmed: '0' }),
    read: async () => old,
  }
  const result = await drainOnce(world.ledger, stale, { batch: 10 })
  expect(result).toEqual({ state: 'epoch-changed' })
})

test('empty-twice: what two lives lost is in the third', async () => {
  const a = await world.member()
  const hold = await a.hold('j/a')
  hold.consume()
  await world.empty()
  await inLife(a, 2)
  await a.settle(hold, 1)
  await world.empty()
  await inLife(a, 3)
  await world.drain()
  expect(await world.money()).toEqual({ spent: 1, held: 0, ledger: 1 })
})

test('emptied while it is filled: the reopening begins again', async () => {
  const a = await world.member()
  await a.settle(await a.hold('j/a'), 2)
  await world.empty()
  a.life.nudge()
  await until(async () => (await epochOf()) > 1)
  await world.empty()
  await until(async () => (await world.money()).spent === 2)
  await inLife(a, await epochOf())
  await world.drain()
  expect(await world.money()).toEqual({ spent: 2, held: 0, ledger: 2 })
})

test('empty-plus-death-journal-off-is-reported: a dead process is named, and only what it owes is missing', async () => {
  const dead = await world.silent()
  await dead.settle(await dead.hold('j/a'), 2)
  // It beat a moment ago, and never again.
  const id = 'died-just-now'
  const a = await world.member()
  await beat(world.ledger, { id, role: 'test', reportedEpoch: 1 })
  await world.empty()
  a.life.nudge()
  await inLife(a, 2)
  expect(await world.money()).toEqual({ spent: 0, held: 0, ledger: 0 })
  const line = world.log.find(({ msg }) => /did not report/.test(String(msg)))
  expect(line).toMatchObject({ level: 50, epoch: 2, silent: [{ id }] })
})

test('silent-process-adopts-later: what it owes is booked and held when it comes back, above the limit and marked', async () => {
  const b = await world.silent()
  const a = await world.member()
  const held = await b.hold('b/a', 9)
  held.consume()
  await b.settle(await b.hold('b/b', 9), 3)
  await world.empty()
  await inLife(a, 2)
  expect(await world.money()).toEqual({ spent: 0, held: 0, ledger: 0 })
  await a.hold('a/a')
  await b.wake()
  expect(await world.money()).toEqual({ spent: 3, held: 4, ledger: 0 })
  const marked = world.log.filter(({ msg }) => /passes a limit/.test(String(msg)))
  expect(marked.map(({ attempt, overrunNano }) => ({ attempt, overrunNano }))).toEqual([
    { attempt: 'b/a', overrunNano: 1 },
    { attempt: 'b/b', overrunNano: 3 },
  ])
  await b.settle(held, 1)
  await world.drain()
  expect(await world.money()).toEqual({ spent: 4, held: 2, ledger: 4 })
})

test('adopt-asks-ledger-first: what the ledger has is not booked again', async () => {
  const b = await world.silent()
  const a = await world.member()
  await b.settle(await b.hold('b/a'), 1)
  await world.drain()
  await world.empty()
  await inLife(a, 2)
  await b.wake()
  await world.drain()
  expect(await world.money()).toEqual({ spent: 1, held: 0, ledger: 1 })
})

test('what the ledger has as unconfirmed is corrected to the cost that its owner knows', async () => {
  const b = await world.silent()
  const a = await world.member()
  const held = await b.hold('b/a')
  held.consume()
  await world.redis.zadd(`${world.prefix}:exp`, 1, 'b/a')
  await a.store.expire(10)
  await world.drain()
  expect(await world.money()).toEqual({ spent: 2, held: 0, ledger: 2 })
  await world.empty()
  await inLife(a, 2)
  const settled = b.settle(held, 1)
  await b.wake()
  expect(await settled).toMatchObject({ bookedNano: 1 })
  await world.drain()
  expect(await world.money()).toEqual({ spent: 1, held: 0, ledger: 1 })
})

test('old-watermark-new-stream: entries with lower ids than the old watermark are drained', async () => {
  const a = await world.member()
  await world.redis.xadd(`${world.prefix}:out`, '1-1', 'e', 'x')
  await world.redis.xdel(`${world.prefix}:out`, '1-1')
  await world.redis.xsetid(`${world.prefix}:out`, '99999999999999-0')
  await a.settle(await a.hold('j/a'), 1)
  await world.drain()
  expect((await readSlotRow(world.ledger)).watermark).toMatch(/^99999999999999-/)
  await world.empty()
  await inLife(a, 2)
  await a.settle(await a.hold('k/a'), 2)
  await world.drain()
  expect(await world.money()).toEqual({ spent: 3, held: 0, ledger: 3 })
})

test('unsent-hold-of-old-epoch-admits-again: it can never be sent, and holds nothing in the new life', async () => {
  const a = await world.member()
  const hold = await a.hold('j/a')
  await world.empty()
  await inLife(a, 2)
  expect(() => hold.consume()).toThrow('asked for a hold again')
  expect(await world.money()).toEqual({ spent: 0, held: 0, ledger: 0 })
  expect((await a.hold('j/b')).sent).toBe(false)
})

test('a hold whose reply comes after the report is withdrawn', async () => {
  const a = await world.member()
  const late = await a.hold('j/a')
  a.book.dropped('j/a')
  await world.empty()
  await inLife(a, 2)
  expect(a.book.granted(late, '', 1)).toBe(false)
  expect(() => late.consume()).toThrow('asked for a hold again')
})

test('redis-data-loss-reuses-job-id: a job that was answered is not called for again', async () => {
  const a = await world.member()
  await a.settle(await a.hold('j/a'), 1, 'good')
  await world.drain()
  await until(async () => a.book.size === 0)
  await world.empty()
  await inLife(a, 2)
  expect(await a.ask('j/b')).toEqual({ outcome: 'concluded', as: 'answered' })
})

test('unconfirmed confirm: an attempt that the slot has forgotten is made a record again, and settled once', async () => {
  const a = await world.member()
  const place = {
    ledger: async () => world.ledger,
    repair: async () => a.store,
    slot: () => Promise.reject(new Error('not asked')),
    queues: () => Promise.reject(new Error('not asked')),
    tiers: () => Promise.reject(new Error('not asked')),
    cache: () => Promise.reject(new Error('not asked')),
    warming: () => Promise.reject(new Error('not asked')),
    policies: {
      ...{ env: {}, options: readOptions({}) },
      publish: () => Promise.reject(new Error('not asked')),
    },
  }
  const hold = await a.hold('j/a')
  hold.consume()
  await world.redis.zadd(`${world.prefix}:exp`, 1, 'j/a')
  await a.store.expire(10)
  await world.drain()
  // As 72 hours after its end, and the admission even longer ago.
  await world.redis.del(`${world.prefix}:a:j/a`)
  await world.ledger.db.execute(sql`update entries set admitted_at_ms = 1`)
  const confirm = () =>
    unconfirmedConfirm.run(place, { attempt: 'j/a', costNano: 1, reason: 'the invoice' })
  expect(await confirm()).toEqual({
    ...{ attempt: 'j/a', beforeNano: 2, bookedNano: 1, overrunNano: 0 },
  })
  await expect(confirm()).rejects.toMatchObject({ code: 'ATTEMPT_SETTLED' })
  await world.drain()
  expect(await world.money()).toEqual({ spent: 1, held: 0, ledger: 1 })
  expect(await listConflicts()).toEqual([])
  await expect(confirm()).rejects.toMatchObject({ code: 'ATTEMPT_SETTLED' })
})

const listConflicts = async () =>
  (await world.ledger.db.execute(sql`select * from ledger_conflicts`)).rows

test('people are told in which life the slot is, why it is closed and who reopens it', async () => {
  const a = await world.member()
  expect(await a.life.describe()).toMatch(/^open in life 1 since 20/)
  const life = { epoch: 4, reopener: 'host:7', beganAtMs: 0, openedAtMs: null }
  const closed = { state: 'closed', epoch: 4, acked: '0', trimmed: '0', run: 'x' } as const
  const lost = { sinceMs: 0, reason: 'Redis is empty' }
  expect(describeSlot({ ...closed, lost, claimed: true }, life)).toBe(
    'closed since 1970-01-01T00:00:00.000Z (Redis is empty); host:7 opens life 4 since 1970-01-01T00:00:00.000Z',
  )
  expect(describeSlot({ ...closed, lost, claimed: false }, life)).toMatch(/nobody reopens it yet$/)
  expect(describeSlot({ ...closed, lost: null, claimed: false }, life)).toMatch(/a move fills it$/)
})

test('the book is empty again when the ledger has everything', async () => {
  const a = await world.member()
  for (const job of ['j', 'k', 'l']) await a.settle(await a.hold(`${job}/a`, 9), 1)
  expect(a.book.size).toBe(3)
  await world.drain()
  await until(async () => a.book.size === 0)
})

/** As after a restart without the last writes: what is there stays, and nobody may trust it. */
async function doubt() {
  const place = { redis: world.redis, prefix: world.prefix }
  const slot = await lookAtSlot(place)
  const seen = slot.state === 'missing' ? '' : slot.run
  expect(await judgeSlot(place, { seen, run: 'another', doubt: 'rolled back' })).toBe('closed')
}

test('rolled back, known-cost-never-held-again: what its owner knows goes before the hold that the slot still had', async () => {
  const a = await world.member()
  const [known, unknown] = [await a.hold('j/a', 9), await a.hold('k/a', 9)]
  for (const hold of [known, unknown]) hold.consume()
  // The slot has forgotten the settlement, and still has the hold of a process that is gone.
  a.book.known(settling(known, 1))
  a.book.dropped('k/a')
  await doubt()
  await inLife(a, 2)
  expect(await world.money()).toEqual({ spent: 1, held: 2, ledger: 0 })
  await world.drain()
  expect(await world.money()).toEqual({ spent: 1, held: 2, ledger: 1 })
})

test('rolled back: what nobody had drained is in the ledger before the new life begins', async () => {
  const dead = await world.silent()
  await dead.settle(await dead.hold('j/a'), 1)
  const a = await world.member()
  await doubt()
  await inLife(a, 2)
  expect(await world.money()).toEqual({ spent: 1, held: 0, ledger: 1 })
})

test('the first verdict counts: a late one closes no slot that has been opened since', async () => {
  const a = await world.member()
  await doubt()
  await inLife(a, 2)
  const place = { redis: world.redis, prefix: world.prefix }
  expect(await judgeSlot(place, { seen: 'the run before', run: 'another', doubt: 'late' })).toBe(
    'open',
  )
  expect((await a.hold('j/a')).sent).toBe(false)
})

test('a reopener that dies at any step leaves nothing that the next one cannot finish', async () => {
  const a = await world.member()
  await a.settle(await a.hold('j/a'), 1)
  const hold = await a.hold('k/a')
  hold.consume()
  await world.empty()
  // Somebody has begun a life, claimed the slot, and died.
  await world.redis.set(`${world.prefix}:slot`, 'closed 7 0 0 run')
  await world.redis.set(`${world.prefix}:lost`, '1 Redis is empty')
  await world.redis.set(`${world.prefix}:reopen`, 'dead', 'PX', 300)
  await inLife(a, 2)
  expect(await world.money()).toEqual({ spent: 1, held: 2, ledger: 0 })
  expect((await a.store.peek([KEY]))[0]).toMatchObject({ policy: expect.any(Number) })
})
