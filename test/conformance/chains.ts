import { describe, expect, test } from 'vitest'
import type { AdmitCommand } from '../../src/admission/commands.ts'
import type { LimitLine } from '../../src/admission/plan-lines.ts'
import { asking, START_MS, settling } from './interleavings.ts'
import type { SlotUnderTest, TestClock } from './stores.ts'

const CALLS: LimitLine = {
  kind: 'sliding-window',
  key: 'rpm/big',
  limit: 1,
  perMs: 60_000,
  unit: 'calls',
}
const MODEL = 'of-big:2026-11-21T14'
const ALL = 'company:2026-11-21T14'

/** Two rungs, `big` for 2 and `mid` for 1 nano; the second window and the limit are about `big` alone. */
function choosing(attempt: string, limitNano: { all: number; big: number }): AdmitCommand {
  const base = asking(attempt, { limitNano: limitNano.all })
  const [window] = base.windows
  const [rung] = base.rungs
  if (!window || !rung) throw new Error('a window and a rung were expected')
  return {
    ...base,
    windows: [window, { ...window, key: MODEL, limitNano: limitNano.big }],
    limits: [CALLS],
    chains: [{ windows: [0], limits: [] }],
    rungs: [rung, { ...rung, gate: 'openai:mid', fixedNano: 1, chain: 0 }],
  }
}

/** What governs one model governs no other. */
export function chains(name: string, makeSlot: (clock: TestClock) => Promise<SlotUnderTest>): void {
  describe(`chains on ${name}`, () => {
    const slot = async () => {
      const clock: TestClock = { nowMs: START_MS }
      return { clock, store: await makeSlot(clock) }
    }
    const held = async (store: SlotUnderTest) =>
      (await store.peek([ALL, MODEL])).map((window) => window?.heldNano)

    test('a full budget of one model leaves the next rung to the others', async () => {
      const { store } = await slot()
      const reply = await store.admit(choosing('j/a', { all: 9, big: 1 }))
      expect(reply).toMatchObject({ outcome: 'held', rung: 1, holdNano: 1 })
      expect(await held(store)).toEqual([1, 0])
    })

    test('a rung is held and settled in its own windows alone', async () => {
      const { store } = await slot()
      await store.admit(choosing('j/a', { all: 9, big: 9 }))
      await store.admit(choosing('k/a', { all: 9, big: 3 }))
      expect(await held(store)).toEqual([3, 2])
      await store.settle(settling('k/a', { kind: 'settled', costNano: 1 }))
      await store.release({ attempt: 'j/a', job: 'j' })
      expect(await held(store)).toEqual([0, 0])
      const states = await store.peek([ALL, MODEL])
      expect(states.map((window) => window?.spentNano)).toEqual([1, 0])
    })

    test('a hold that expires is booked in the windows that paid, and in no other', async () => {
      const { store, clock } = await slot()
      await store.admit(choosing('j/a', { all: 9, big: 1 }))
      clock.nowMs += 200_000
      await store.expire(10)
      const [posting] = await store.outbox.read('0', 10)
      expect(posting).toMatchObject({ type: 'posting', kind: 'unconfirmed', windows: [ALL] })
    })

    test('a refusal names the window that blocks, not one that governs another rung', async () => {
      const { store } = await slot()
      const reply = await store.admit(choosing('j/a', { all: 0, big: 0 }))
      expect(reply).toMatchObject({ outcome: 'over-budget', window: 0, leftNano: [0, 0] })
    })

    test('a limit of calls counts one for each, and a call that was never made comes back', async () => {
      const { store } = await slot()
      const wide = { all: 99, big: 99 }
      expect(await store.admit(choosing('j/a', wide))).toMatchObject({ rung: 0 })
      expect(await store.admit(choosing('k/a', wide))).toMatchObject({ rung: 1 })
      await store.release({ attempt: 'j/a', job: 'j' })
      expect(await store.admit(choosing('l/a', wide))).toMatchObject({ rung: 0 })
      await store.settle(settling('l/a', { kind: 'settled', costNano: 0, tokens: 0 }))
      expect(await store.admit(choosing('m/a', wide))).toMatchObject({ rung: 1 })
    })

    test('a full limit is named by its place in the plan', async () => {
      const { store } = await slot()
      const other: LimitLine = { kind: 'concurrent', key: 'lanes/acme', limit: 1 }
      const command = { ...asking('j/a', { limitNano: 99 }), limits: [CALLS, other] }
      const onlyLanes = { ...command, chains: [{ windows: [0], limits: [1] }] }
      const rungs = command.rungs.map((rung) => ({ ...rung, chain: 0 }))
      await store.admit({ ...onlyLanes, rungs })
      expect(await store.admit({ ...onlyLanes, rungs, attempt: 'k/a', job: 'k' })).toMatchObject({
        outcome: 'busy',
        by: 'limit',
        index: 1,
      })
    })
  })
}
