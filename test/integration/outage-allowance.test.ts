import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { BookLeaseCommand } from '../../src/admission/lease-commands.ts'
import { knownLeases, openLeases } from '../../src/ledger/leases.ts'
import { createAllowance } from '../../src/outage/allowance/inline.ts'
import { createKeeper, type Keeper } from '../../src/outage/allowance/keeper.ts'
import { createGuard, type Guard } from '../../src/outage/guard.ts'
import { openJournalFile } from '../../src/outage/journal/file.ts'
import { JournalRecordSchema } from '../../src/outage/journal/records.ts'
import type { CompletionJob } from '../../src/queue/job.ts'
import { attemptMeta } from '../helpers/attempt-meta.ts'
import { POLICY, type Rig, startRig, until } from './queue-rig.ts'

const USD = 1_000_000_000
const COMPANY = `company:${new Date().toISOString().slice(0, 7)}`

let rig: Rig
let folder: string
const closers: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  rig = await startRig({
    policy: POLICY.replace('attempts: 3', 'attempts: 3, outage: allow, outage_allowance_usd: "1"'),
    workers: false,
  })
})
afterAll(() => rig.close())
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** A process with a journal of its own; `die` ends it without a word. */
async function startProcess(mayTake = true, path?: string) {
  folder = path ?? (await mkdtemp(join(tmpdir(), 'bursar-allowance-')))
  if (!path) closers.push(() => rm(folder, { recursive: true }))
  const journal = await openJournalFile(folder, JournalRecordSchema)
  const guard = createGuard()
  const { store, ledger, rules, clock, logger } = rig.runtime
  const parts = { store, ledger, rules, clock, logger, guard, journal, mayTake }
  const epoch = () => rig.runtime.life?.epoch() ?? 0
  const keeper = createKeeper({ ...parts, epoch, process: 'test' })
  closers.push(async () => {
    await keeper.close()
    guard.close()
  })
  return { keeper, guard, journal, folder }
}

/** Another process brings the newest journal to its end; the one before is never asked again. */
async function takeOver(): Promise<void> {
  closers.pop()
  const { keeper } = await startProcess(false, folder)
  await until(async () => {
    await keeper.step()
    await rig.drain()
    return keeper.isClean
  })
}

async function usable(keeper: Keeper): Promise<string> {
  await until(async () => {
    await rig.drain()
    await keeper.step()
    return keeper.current() !== null
  })
  return keeper.current()?.lease ?? ''
}

/** The slot loses everything, and is made again with so much held. */
async function empty(heldNano: number): Promise<void> {
  const { redis, options, store } = rig.runtime
  const commands = redis?.commands
  if (!commands) throw new Error('there is no Redis')
  const keys = await commands.keys(`${options.BURSAR_PREFIX}:*`)
  await commands.del(keys)
  await until(async () => {
    const [window] = await store.peek([COMPANY]).catch(() => [])
    if (!window) await store.renew({ attempts: [], ttlMs: 1 }).catch(() => {})
    return window?.heldNano === heldNano
  })
}

const company = async () => {
  const [window] = await rig.runtime.store.peek([COMPANY])
  return { spent: window?.spentNano ?? 0, held: window?.heldNano ?? 0 }
}

const call = (lease: string, attempt: string, costNano: number | null): BookLeaseCommand => ({
  ...{ lease, attempt, job: attempt.slice(0, attempt.indexOf('/')), atMs: Date.now() },
  ...{ kind: costNano === null ? 'unconfirmed' : 'settled', costNano: costNano ?? 0 },
  ...{ holdNano: 100, windows: [COMPANY], meta: attemptMeta({ enqueuedAtMs: 1 }), detail: '' },
  conclusion: null,
})

async function goneFor(guard: Guard): Promise<void> {
  const away = async () => {
    const { BursarError } = await import('../../src/errors.ts')
    throw new BursarError('STORE_UNAVAILABLE', 'away', { retryable: true })
  }
  guard.probe(away)
  while (guard.openSinceMs === null) await guard.run(away).catch(() => {})
}

const job = (id: string): CompletionJob => ({
  ...{ v: 1, id, operation: 'chat.completions', model: 'auto', tenant: 'default', user: 'u42' },
  ...{ tier: 'basic', tags: {}, urgency: 'interactive', pinned: false, stream: false },
  ...{ deadlineMs: 0, replyTo: '', cacheKey: null, enqueuedAtMs: Date.now(), clockMs: 0 },
  body: { messages: [{ role: 'user', content: `Say ${id}` }] },
})

function allowanceOver(keeper: Keeper) {
  return createAllowance({ ...rig.runtime, keeper, concurrency: 4, resultTtlMs: 60_000 })
}

test('lease-not-in-ledger-not-usable', async () => {
  const { keeper } = await startProcess()
  await keeper.step()
  expect(await company()).toMatchObject({ held: USD })
  for (let i = 0; i < 3; i++) await keeper.step()
  expect(keeper.current()).toBeNull()
  expect(await allowanceOver(keeper).run(job('not-yet1'), async () => {})).toBeNull()
  await rig.drain()
  await keeper.step()
  expect(keeper.current()).toMatchObject({ amountNano: USD, freeNano: USD })
})

test('a clean end gives everything back, and the ledger knows', async () => {
  const { keeper, guard } = await startProcess()
  const lease = await usable(keeper)
  expect(await knownLeases(rig.runtime.ledger, [lease])).toEqual(new Map([[lease, 'open']]))
  await keeper.close()
  guard.close()
  expect(await company()).toMatchObject({ held: 0 })
  await rig.drain()
  expect(await knownLeases(rig.runtime.ledger, [lease])).toEqual(new Map([[lease, 'closed']]))
  expect(await openLeases(rig.runtime.ledger)).toEqual([])
})

test('a successor on the same disk books what is known, and the cap of what is not', async () => {
  const before = await company()
  const first = await startProcess()
  const lease = await usable(first.keeper)
  await goneFor(first.guard)
  await first.keeper.enter({ is: 'intent', call: call(lease, 'successor-1/a', null) })
  await first.keeper.enter({ is: 'result', call: call(lease, 'successor-1/a', 30) })
  await first.keeper.enter({ is: 'intent', call: call(lease, 'successor-2/a', null) })
  // It dies here: its Redis never comes back.
  const second = await startProcess(false, first.folder)
  await until(async () => {
    await second.keeper.step()
    await rig.drain()
    return second.keeper.isClean
  })
  expect(await company()).toEqual({ spent: before.spent + 130, held: 0 })
  const again = await startProcess(false, first.folder)
  await again.keeper.step()
  expect(again.keeper.isClean).toBe(true)
  expect(await company()).toEqual({ spent: before.spent + 130, held: 0 })
})

test('after an outage the calls are booked once, and a whole allowance is there again', async () => {
  const before = await company()
  const { keeper, guard } = await startProcess()
  const lease = await usable(keeper)
  await goneFor(guard)
  const answer = await allowanceOver(keeper).run(job('inline-1'), async () => {})
  const { receipt } = (await answer?.answered) ?? {}
  expect(receipt).toMatchObject({ degraded: true, cache: 'off', jobId: 'inline-1' })
  expect(receipt?.why).toContain('no other budget was judged')
  expect(await company()).toEqual({ ...before, held: USD })
  // The same disk, another process: this one believes for ever that Redis is away.
  const next = await startProcess(true, folder)
  await until(async () => {
    await next.keeper.step()
    await rig.drain()
    const current = next.keeper.current()
    return current !== null && current.lease !== lease
  })
  expect(await company()).toEqual({ spent: before.spent + (receipt?.costNano ?? 0), held: USD })
  const stored = await rig.runtime.store.result('inline-1')
  expect(stored).toContain('"degraded":true')
  const request = await rig.runtime.ledger.db.query.requests.findMany()
  expect(request.find(({ job: id }) => id === 'inline-1')).toMatchObject({ outcome: 'answered' })
})

test('no journal, no call', async () => {
  const { keeper, guard, journal } = await startProcess()
  await usable(keeper)
  await goneFor(guard)
  await journal.close()
  const calls = rig.sandbox.stats().billed
  const answer = await allowanceOver(keeper).run(job('no-journal'), async () => {})
  await expect(answer?.answered).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(rig.sandbox.stats().billed).toBe(calls)
  // What was never sent is not booked either.
  expect(keeper.current()).toMatchObject({ freeNano: USD })
  await takeOver()
  guard.close()
})

test('one request that is sent twice at the same time is called once', async () => {
  const { keeper, guard } = await startProcess()
  await usable(keeper)
  await goneFor(guard)
  const calls = rig.sandbox.stats().billed
  const allowance = allowanceOver(keeper)
  const answers = await Promise.all(
    ['twice', 'twice'].map((id) => allowance.run(job(id), async () => {})),
  )
  const [first, second] = await Promise.all(answers.map((answer) => answer?.answered))
  expect(first).toMatchObject({ receipt: { jobId: 'twice', degraded: true } })
  expect(second).toEqual(first)
  expect(rig.sandbox.stats().billed).toBe(calls + 1)
  await takeOver()
  guard.close()
})

test('no more is called for than the allowance pays for', async () => {
  const { keeper, guard } = await startProcess()
  const lease = await usable(keeper)
  await goneFor(guard)
  await keeper.enter({ is: 'intent', call: { ...call(lease, 'big/a', null), holdNano: USD - 10 } })
  await expect(allowanceOver(keeper).run(job('too-much'), async () => {})).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    retryable: true,
  })
  await takeOver()
  guard.close()
})

test('lease-and-empty: a slot that lost everything holds it again, and books nothing twice', async () => {
  const before = await company()
  const { keeper, guard } = await startProcess()
  const lease = await usable(keeper)
  const held = await company()
  // One call is in the ledger when the slot loses it, the other nowhere but in the journal.
  await rig.runtime.store.bookLease(call(lease, 'empty-1/a', 40))
  await rig.drain()
  await goneFor(guard)
  await keeper.enter({ is: 'intent', call: call(lease, 'empty-1/a', 40) })
  await keeper.enter({ is: 'intent', call: call(lease, 'empty-2/a', 50) })
  await empty(held.held)
  const next = await startProcess(false, folder)
  await until(async () => {
    await next.keeper.step()
    await rig.drain()
    return next.keeper.isClean
  })
  expect(await company()).toEqual({ spent: before.spent + 90, held: 0 })
})

test('lease-and-empty: what was booked and closed, and is in no ledger yet, is told to the new life', async () => {
  const before = await company()
  const { keeper, guard } = await startProcess()
  const lease = await usable(keeper)
  const { held } = await company()
  await keeper.enter({ is: 'intent', call: call(lease, 'again-1/a', null) })
  await keeper.enter({ is: 'result', call: call(lease, 'again-1/a', 60) })
  // Booked, closed, and a new one taken; nobody drains any of it.
  await until(async () => {
    await keeper.step()
    return (await company()).spent === before.spent + 60
  })
  await empty(held)
  await until(async () => {
    await rig.drain()
    await keeper.step()
    const current = keeper.current()
    return current !== null && current.lease !== lease
  })
  await rig.drain()
  expect(await company()).toEqual({ spent: before.spent + 60, held: USD })
  expect(await knownLeases(rig.runtime.ledger, [lease])).toEqual(new Map([[lease, 'closed']]))
  await keeper.close()
  guard.close()
})
