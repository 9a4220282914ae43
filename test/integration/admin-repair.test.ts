import { afterAll, beforeAll, expect, test } from 'vitest'
import { wrongCounters } from '../../jobs/verify-ledger.ts'
import type { AdminPlace } from '../../src/admin/command.ts'
import { storesPlace } from '../../src/admin/place/stores.ts'
import { rebuildCommand } from '../../src/admin/rebuild.ts'
import {
  unconfirmedConfirm,
  unconfirmedList,
  unconfirmedWaive,
} from '../../src/admin/unconfirmed.ts'
import { slotKeys } from '../../src/admission/keys.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import { getEntry } from '../../src/ledger/queries/get-entry.ts'
import { redisOf } from '../../src/runtime.ts'
import { type Rig, startRig } from './queue-rig.ts'

let rig: Rig
let place: AdminPlace & { close(): Promise<void> }
beforeAll(async () => {
  rig = await startRig()
  place = storesPlace(rig.options)
})
afterAll(async () => {
  await place.close()
  await rig.close()
})

let asked = 0
const ask = () => {
  asked += 1
  const content = `Explain recursion, ${asked}`
  return {
    ...{ user: 'u1', tenant: 'acme', model: 'auto', max_completion_tokens: 32, cache: false },
    messages: [{ role: 'user' as const, content }],
  }
}

/** Lua, so that no settlement slips in between: `spent` is the third double of a window's record. */
const MOVE_SPENT = `local packed = redis.call('GET', KEYS[1])
local spent = struct.unpack('<d', packed, 17) + ARGV[1]
redis.call('SET', KEYS[1], string.sub(packed, 1, 16) .. struct.pack('<d', spent) .. string.sub(packed, 25))`

/** Moves a counter as no command does. */
async function damage(key: string, byNano: number): Promise<void> {
  const { commands } = redisOf(rig.runtime)
  await commands.eval(MOVE_SPENT, 1, slotKeys(rig.options.BURSAR_PREFIX).window(key), byNano)
}

const companyWindow = async () => {
  const key = (await rig.runtime.store.windows()).find((one) => one.startsWith('company:'))
  if (!key) throw new Error('no window of the company')
  const [state] = await rig.runtime.store.peek([key])
  return { key, spentNano: state?.spentNano ?? 0 }
}

test('a counter damaged beside traffic is found, shown, made again and then right', async () => {
  await rig.client.run(ask())
  let drains = true
  const drain = async () => {
    const { ledger, store } = rig.runtime
    while (drains) await drainOnce(ledger, store.outbox, { batch: 3 })
  }
  const callers = async () => {
    while (drains) await rig.client.run(ask())
  }
  const traffic = [drain(), callers(), callers(), callers()]
  try {
    for (let looked = 0; looked < 20; looked++) expect(await wrongCounters(rig.runtime)).toEqual([])
    const { key } = await companyWindow()
    await damage(key, 1_000_000_007)
    expect(await wrongCounters(rig.runtime)).toMatchObject([{ key }])

    const shown = await rebuildCommand.run(place, { dryRun: true })
    expect(shown).toMatchObject({ applied: false, wrong: 1, changes: [{ key }] })
    expect(await wrongCounters(rig.runtime)).toHaveLength(1)

    const { changes, ...mended } = await rebuildCommand.run(place, { dryRun: false })
    expect(mended).toMatchObject({ applied: true, wrong: 1 })
    const [change] = changes
    expect((change?.before.spentNano ?? 0) - (change?.after.spentNano ?? 0)).toBe(1_000_000_007)
    expect(await wrongCounters(rig.runtime)).toEqual([])
    expect(await rebuildCommand.run(place, { dryRun: false })).toMatchObject({ wrong: 0 })
  } finally {
    drains = false
    await Promise.all(traffic)
  }
})

test('totals that are not their postings make no counter', async () => {
  const { db } = rig.runtime.ledger
  await rig.drain()
  await db.execute('update window_totals set spent_nano = spent_nano + 1')
  await expect(rebuildCommand.run(place, { dryRun: false })).rejects.toMatchObject({
    code: 'LEDGER_CONFLICT',
  })
  await db.execute('update window_totals set spent_nano = spent_nano - 1')
})

/** A call whose answer hides its usage: it is booked whole. */
async function unconfirmedAttempt(): Promise<string> {
  const metadata = { sandbox_fault: 'missing-usage' }
  await rig.client.run({ ...ask(), metadata }).catch(() => {})
  await rig.drain()
  const { attempts } = await unconfirmedList.run(place, { olderMs: 0, limit: 1 })
  const [newest] = attempts
  if (!newest) throw new Error('nothing is unconfirmed')
  return newest.attempt
}

test('a confirmed attempt is booked at its cost once, and the ledger says who said so', async () => {
  const attempt = await unconfirmedAttempt()
  const before = await companyWindow()
  const entry = await getEntry(rig.runtime.ledger, attempt)
  const said = { attempt, costNano: 12_300, reason: 'invoice of November' }
  const settled = await unconfirmedConfirm.run({ ...place, by: 'key k1' }, said)
  expect(settled).toEqual({
    attempt,
    beforeNano: entry?.holdNano,
    bookedNano: 12_300,
    overrunNano: 0,
  })
  expect((await companyWindow()).spentNano).toBe(before.spentNano - (entry?.holdNano ?? 0) + 12_300)
  const again = unconfirmedConfirm.run(place, { ...said, costNano: 5 })
  await expect(again).rejects.toMatchObject({ code: 'ATTEMPT_SETTLED' })
  await rig.drain()
  expect(await getEntry(rig.runtime.ledger, attempt)).toMatchObject({
    status: 'confirmed',
    costNano: 12_300,
    reason: 'confirmed by key k1: invoice of November',
  })
  await expect(unconfirmedWaive.run(place, said)).rejects.toMatchObject({ code: 'ATTEMPT_SETTLED' })
  expect(await wrongCounters(rig.runtime)).toEqual([])
})

test('a waived attempt costs nothing, and an unknown one is told', async () => {
  const attempt = await unconfirmedAttempt()
  const waived = await unconfirmedWaive.run(place, { attempt, reason: 'never arrived' })
  expect(waived).toMatchObject({ bookedNano: 0 })
  await rig.drain()
  expect(await getEntry(rig.runtime.ledger, attempt)).toMatchObject({
    ...{ status: 'confirmed', costNano: 0 },
    reason: 'waived by operator: never arrived',
  })
  const nobody = unconfirmedWaive.run(place, { attempt: 'nobody/1', reason: 'x' })
  await expect(nobody).rejects.toMatchObject({ code: 'UNKNOWN_ATTEMPT' })
})
