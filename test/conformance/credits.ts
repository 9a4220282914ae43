import { describe, expect, test } from 'vitest'
import type { CreditCommand } from '../../src/admission/credit-command.ts'
import { FOREVER_MS } from '../../src/admission/plan-lines.ts'
import { readStoredResult } from '../../src/admission/result.ts'
import { answered, asking, START_MS, settling } from './interleavings.ts'
import type { SlotUnderTest, TestClock } from './stores.ts'

const HOUR = 'company:2026-11-21T14'
const MINUTE_MS = 60_000

/** 2 nano-USD on top of a limit of 3. */
function granting(
  id: string,
  wish: Partial<CreditCommand> & { hour?: number } = {},
): CreditCommand {
  const { hour = 0, ...rest } = wish
  const [line] = asking('j/a', { hour, limitNano: 3 }).windows
  if (!line) throw new Error('a window was expected')
  return { id, amountNano: 2, untilMs: FOREVER_MS, policy: 1, line, ...rest }
}

/** A hold costs 2: a limit of 3 pays for one, and with 2 on top for two. */
export function credits(
  name: string,
  makeSlot: (clock: TestClock) => Promise<SlotUnderTest>,
): void {
  describe(`credits on ${name}`, () => {
    const slot = async () => {
      const clock: TestClock = { nowMs: START_MS }
      return { clock, store: await makeSlot(clock) }
    }
    const outcome = async (store: SlotUnderTest, attempt: string, limitNano = 3, policy = 1) =>
      (await store.admit(asking(attempt, { limitNano, policy }))).outcome
    const limits = async (store: SlotUnderTest, key = HOUR) => {
      const [window] = await store.peek([key])
      return window && [window.limitNano, window.creditNano]
    }

    test('topup-delivered-twice', async () => {
      const { store } = await slot()
      await outcome(store, 'j/a')
      expect(await outcome(store, 'k/a')).toBe('over-budget')
      const set = { outcome: 'set', limitNano: 5, spentNano: 0, heldNano: 2 }
      expect(await store.credit(granting('c1'))).toEqual(set)
      expect(await store.credit(granting('c1'))).toEqual(set)
      expect(await limits(store)).toEqual([5, 2])
      expect(await outcome(store, 'k/a')).toBe('held')
      expect(await store.admit(asking('l/a'))).toMatchObject({
        ...{ outcome: 'over-budget', limitNano: 5, leftNano: [1] },
      })
    })

    test('two credits add up, and a replay of one after the other changes nothing', async () => {
      const { store } = await slot()
      await store.credit(granting('c1'))
      await store.credit(granting('c2', { amountNano: 4 }))
      await store.credit(granting('c1'))
      expect(await limits(store)).toEqual([9, 6])
    })

    test('limit-lowered-below-spent, what was granted included', async () => {
      const { store } = await slot()
      await store.credit(granting('c1'))
      await outcome(store, 'j/a')
      await outcome(store, 'k/a')
      await store.settle(settling('j/a', { kind: 'settled', costNano: 2 }))
      // A policy of 1 and what was granted stand below the 4 that are spent and held.
      expect(await outcome(store, 'l/a', 1, 2)).toBe('over-budget')
      const [window] = await store.peek([HOUR])
      expect(window).toMatchObject({ limitNano: 3, creditNano: 2, spentNano: 2, heldNano: 2 })
      expect(await store.settle(settling('k/a', { kind: 'settled', costNano: 2 }))).toMatchObject({
        outcome: 'settled',
        overrunNano: 0,
      })
    })

    test('an expired credit stops new holds and takes nothing back', async () => {
      const { store, clock } = await slot()
      const untilMs = START_MS + MINUTE_MS
      await store.credit(granting('c1', { untilMs }))
      await outcome(store, 'j/a')
      await outcome(store, 'k/a')
      await store.release({ attempt: 'k/a', job: 'k' })
      clock.nowMs = untilMs - 1
      expect(await outcome(store, 'l/a')).toBe('held')
      await store.release({ attempt: 'l/a', job: 'l' })
      clock.nowMs = untilMs
      expect(await limits(store)).toEqual([3, 0])
      expect(await outcome(store, 'm/a')).toBe('over-budget')
      expect(await store.settle(settling('j/a', { kind: 'settled', costNano: 2 }))).toMatchObject({
        outcome: 'settled',
        bookedNano: 2,
      })
      expect(await store.credit(granting('c1', { untilMs }))).toEqual({ outcome: 'lapsed' })
      expect(await limits(store)).toEqual([3, 0])
    })

    test('what was revoked stays revoked, however late its grant arrives', async () => {
      const { store } = await slot()
      await store.credit(granting('c1'))
      await store.credit(granting('c1', { amountNano: 0 }))
      expect(await limits(store)).toEqual([3, 0])
      await store.credit(granting('c1'))
      expect(await limits(store)).toEqual([3, 0])
      // Also when the slot hears of the end first.
      await store.credit(granting('c2', { amountNano: 0 }))
      await store.credit(granting('c2'))
      expect(await limits(store)).toEqual([3, 0])
    })

    test('a credit for a window that nobody has opened waits in it', async () => {
      const { store, clock } = await slot()
      const next = granting('c1', { hour: 1 })
      expect(await store.credit(next)).toMatchObject({ outcome: 'set', limitNano: 5 })
      expect(await limits(store)).toBeNull()
      expect(await limits(store, next.line.key)).toEqual([5, 2])
      expect(await store.windows()).toEqual([next.line.key])
      clock.nowMs = next.line.startMs
      const admit = (attempt: string) =>
        store.admit(asking(attempt, { hour: 1, limitNano: 10, policy: 2 }))
      expect(await admit('j/a')).toMatchObject({ outcome: 'held' })
      expect(await limits(store, next.line.key)).toEqual([12, 2])
    })

    test('a window that has ended takes no credit, and is not opened again', async () => {
      const { store, clock } = await slot()
      const { line } = granting('c1')
      clock.nowMs = line.endMs
      expect(await store.credit(granting('c1'))).toEqual({ outcome: 'lapsed' })
      expect(await store.windows()).toEqual([])
    })

    test('a newer policy keeps what was granted on top of it', async () => {
      const { store } = await slot()
      await store.credit(granting('c1'))
      await outcome(store, 'j/a', 7, 2)
      expect(await limits(store)).toEqual([9, 2])
    })

    test('marks are judged by the limit in force, and a raise fires none again', async () => {
      const { store } = await slot()
      const marks = async () =>
        (await store.outbox.read('0', 100)).flatMap((entry) =>
          entry.type === 'threshold' ? [`${entry.percent}% of ${entry.limitNano}`] : [],
        )
      const spend = async (job: string, costNano: number) => {
        await outcome(store, `${job}/a`, 10)
        await store.settle(settling(`${job}/a`, { kind: 'settled', costNano }))
      }
      await spend('j', 5)
      expect(await marks()).toEqual(['50% of 10'])
      await store.credit(granting('c1', { amountNano: 10 }))
      // 9 is 90% of the policy's limit, and 45% of the one in force.
      await spend('k', 4)
      expect(await marks()).toEqual(['50% of 10'])
      await spend('l', 7)
      expect(await marks()).toEqual(['50% of 10', '80% of 20'])
    })

    test('a result says what is left, and what of the limit was granted', async () => {
      const { store } = await slot()
      await store.credit(granting('c1'))
      await outcome(store, 'j/a')
      const conclusion = answered('{}')
      await store.settle(settling('j/a', { kind: 'settled', costNano: 1, conclusion }))
      const stored = readStoredResult((await store.result('j')) ?? '')
      expect(stored).toEqual({ leftNano: [4], creditNano: [2], body: '{}' })
    })

    test('credits raise a limit to 9 million USD at most', async () => {
      const { store } = await slot()
      const amountNano = 8e15
      await store.credit(granting('c1', { amountNano }))
      await store.credit(granting('c2', { amountNano }))
      expect(await limits(store)).toEqual([9e15, 9e15 - 3])
    })
  })
}
