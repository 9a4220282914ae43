import { describe, expect, test } from 'vitest'
import type { AdmitCommand } from '../../src/admission/commands.ts'
import { FOREVER_MS } from '../../src/admission/plan-lines.ts'
import { asking, START_MS, settling } from './interleavings.ts'
import type { SlotUnderTest, TestClock } from './stores.ts'

const WATCHED = 'watched:2026-11-21T14'
const ALL = 'company:2026-11-21T14'

/** One rung of 2 nano; a budget that may refuse, and one that only warns. */
function watched(attempt: string, limitNano: { all: number; watched: number }): AdmitCommand {
  const base = asking(attempt, { limitNano: limitNano.all })
  const [window] = base.windows
  if (!window) throw new Error('a window was expected')
  const other = { ...window, key: WATCHED, limitNano: limitNano.watched, marks: [100] }
  return { ...base, windows: [{ ...other, warnOnly: true }, window] }
}

/** Two rungs, `big` for 2 up to half of each budget, and `mid` for 1. */
function stepping(attempt: string, limitNano: { all: number; watched: number }): AdmitCommand {
  const base = watched(attempt, limitNano)
  const [rung] = base.rungs
  if (!rung) throw new Error('a rung was expected')
  return {
    ...base,
    rungs: [
      { ...rung, until: 50 },
      { ...rung, gate: 'openai:mid', fixedNano: 1 },
    ],
  }
}

/** A budget that only warns is counted, and in nobody's way; windows without an end; why a rung did not serve. */
export function warnings(
  name: string,
  makeSlot: (clock: TestClock) => Promise<SlotUnderTest>,
): void {
  describe(`budgets that warn, on ${name}`, () => {
    const slot = async () => {
      const clock: TestClock = { nowMs: START_MS }
      return { clock, store: await makeSlot(clock) }
    }
    const states = async (store: SlotUnderTest) =>
      (await store.peek([WATCHED, ALL])).map((state) => [state?.spentNano, state?.heldNano])

    test('past its limit it is held, counted and marked, and refuses nothing', async () => {
      const { store } = await slot()
      expect(await store.admit(watched('j/a', { all: 9, watched: 1 }))).toMatchObject({
        outcome: 'held',
        holdNano: 2,
      })
      expect(await states(store)).toEqual([
        [0, 2],
        [0, 2],
      ])
      await store.settle(settling('j/a', { kind: 'settled', costNano: 2 }))
      expect(await states(store)).toEqual([
        [2, 0],
        [2, 0],
      ])
      const entries = await store.outbox.read('0', 10)
      expect(entries.filter(({ type }) => type === 'threshold')).toMatchObject([
        { window: WATCHED, percent: 100, spentNano: 2, limitNano: 1 },
      ])
      const [state] = await store.peek([WATCHED])
      expect(state?.warnOnly).toBe(true)
    })

    test('the window that may refuse is the one that is named', async () => {
      const { store } = await slot()
      const reply = await store.admit(watched('j/a', { all: 1, watched: 0 }))
      expect(reply).toMatchObject({ outcome: 'over-budget', window: 1, leftNano: [0, 1] })
    })

    test('nothing steps down for it, and everything for the other', async () => {
      const { store } = await slot()
      expect(await store.admit(stepping('j/a', { all: 4, watched: 0 }))).toMatchObject({
        rung: 0,
        passed: [],
      })
      expect(await store.admit(stepping('k/a', { all: 4, watched: 0 }))).toMatchObject({
        rung: 1,
        passed: [{ by: 'budget', index: 1 }],
      })
    })

    test('a bill without a hold is no overrun of a budget that warns', async () => {
      const { store } = await slot()
      await store.admit(watched('j/a', { all: 99, watched: 1 }))
      const bill = { kind: 'settled', costNano: 5 } as const
      expect(
        await store.settle({ ...settling('k/a', bill), windows: [WATCHED, ALL] }),
      ).toMatchObject({ outcome: 'orphan', overrunNano: 0 })
    })

    test('a window without an end refuses for good', async () => {
      const { store } = await slot()
      const command = asking('j/a', { limitNano: 3 })
      const lifetime = command.windows.map((line) => ({
        ...line,
        key: 'run:lifetime',
        startMs: 0,
        endMs: FOREVER_MS,
      }))
      expect(await store.admit({ ...command, windows: lifetime })).toMatchObject({
        outcome: 'held',
      })
      const next = { ...asking('k/a', { limitNano: 3 }), windows: lifetime }
      expect(await store.admit(next)).toMatchObject({ outcome: 'over-budget', resumeAtMs: 0 })
    })

    test('each rung above says why it did not serve; told once more, nobody knows', async () => {
      const { store, clock } = await slot()
      const command = stepping('j/a', { all: 9, watched: 9 })
      const [big, mid] = command.rungs
      if (!big || !mid) throw new Error('two rungs were expected')
      const gate = { key: big.gate, untilMs: clock.nowMs + 60_000 }
      await store.settle({ ...settling('x/a', { kind: 'settled', costNano: 0 }), gate })
      const lanes = { kind: 'concurrent', key: 'lanes', limit: 0 } as const
      const three: AdmitCommand = {
        ...command,
        limits: [lanes],
        chains: [
          { windows: [1], limits: [0] },
          { windows: [0], limits: [] },
        ],
        rungs: [big, { ...mid, chain: 0 }, { ...mid, chain: 1 }],
      }
      const passed = [
        { by: 'gate', index: 0 },
        { by: 'limit', index: 0 },
      ]
      expect(await store.admit(three)).toMatchObject({ outcome: 'held', rung: 2, passed })
      expect(await store.admit(three)).toMatchObject({ outcome: 'held', rung: 2, passed: [] })
      expect(await states(store)).toEqual([
        [0, 1],
        [0, 0],
      ])
    })
  })
}
