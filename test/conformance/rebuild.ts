import { describe, expect, test } from 'vitest'
import type { PostingEntry } from '../../src/admission/outbox.ts'
import type { RebuildCommand } from '../../src/admission/rebuild-command.ts'
import { asking, START_MS, settling } from './interleavings.ts'
import type { SlotUnderTest, TestClock } from './stores.ts'

const HOUR = 'company:2026-11-21T14'
const ROOMY = { amountNano: 2, limitNano: 100 }

/** What the ledger has after it read the outbox up to `watermark`, and the command that follows from it. */
async function pictureAt(
  store: SlotUnderTest,
  watermark: string,
  known: readonly PostingEntry[],
): Promise<RebuildCommand> {
  const spentNano = known
    .filter(({ windows }) => windows.includes(HOUR))
    .reduce((sum, { deltaNano }) => sum + deltaNano, 0)
  const epoch = (await store.outbox.slot())?.epoch ?? 0
  return { epoch, watermark, sums: [{ key: HOUR, spentNano }], apply: true }
}

const postingsOf = async (store: SlotUnderTest) =>
  (await store.outbox.read('0', 1_000)).filter((entry) => entry.type === 'posting')

/** Counters made again from the ledger while the slot lives (PROTOCOL 3.9). */
export function rebuilding(
  name: string,
  makeSlot: (clock: TestClock) => Promise<SlotUnderTest>,
): void {
  describe(`rebuild on ${name}`, () => {
    const slot = async () => {
      const clock: TestClock = { nowMs: START_MS }
      return { clock, store: await makeSlot(clock) }
    }
    const money = async (store: SlotUnderTest) => {
      const [window] = await store.peek([HOUR])
      return window && { spentNano: window.spentNano, heldNano: window.heldNano }
    }
    /** One settled at 1, one settled at 2, one expired at its hold of 2, one held at 2. */
    const busy = async () => {
      const { clock, store } = await slot()
      for (const job of ['a', 'b', 'c']) await store.admit(asking(`${job}/1`, ROOMY))
      await store.settle(settling('a/1', { kind: 'settled', costNano: 1 }))
      await store.settle(settling('b/1', { kind: 'settled', costNano: 2 }))
      clock.nowMs += 120_000
      await store.expire(10)
      await store.admit(asking('d/1', ROOMY))
      expect(await money(store)).toEqual({ spentNano: 5, heldNano: 2 })
      return { clock, store }
    }

    test('a damaged counter is right again, whatever part of the outbox the ledger has read', async () => {
      const { store } = await busy()
      const entries = await postingsOf(store)
      expect(entries).toHaveLength(3)
      for (const read of [0, 1, 2, 3]) {
        await store.damage(HOUR, { spentNano: -4, heldNano: 7 })
        const watermark = entries[read - 1]?.id ?? '0'
        const command = await pictureAt(store, watermark, entries.slice(0, read))
        expect(await store.rebuild(command)).toEqual({
          outcome: 'rebuilt',
          windows: [
            {
              key: HOUR,
              before: { spentNano: 1, heldNano: 9 },
              after: { spentNano: 5, heldNano: 2 },
            },
          ],
        })
        expect(await money(store)).toEqual({ spentNano: 5, heldNano: 2 })
      }
      expect(await store.settle(settling('d/1', { kind: 'settled', costNano: 1 }))).toMatchObject({
        outcome: 'settled',
      })
      expect(await money(store)).toEqual({ spentNano: 6, heldNano: 0 })
    })

    test('a look changes nothing', async () => {
      const { store } = await busy()
      await store.damage(HOUR, { spentNano: 3, heldNano: -2 })
      const command = await pictureAt(store, '0', [])
      const look = await store.rebuild({ ...command, apply: false })
      expect(look).toMatchObject({ windows: [{ after: { spentNano: 5, heldNano: 2 } }] })
      expect(await money(store)).toEqual({ spentNano: 8, heldNano: 0 })
    })

    test('rebuild-beside-settle', async () => {
      const { store } = await busy()
      const entries = await postingsOf(store)
      const picture = await pictureAt(store, entries.at(-1)?.id ?? '0', entries)
      // Between the picture of the ledger and the step of the slot.
      await store.settle(settling('d/1', { kind: 'settled', costNano: 2 }))
      await store.admit(asking('e/1', ROOMY))
      expect(await store.rebuild(picture)).toMatchObject({
        windows: [{ before: { spentNano: 7, heldNano: 2 }, after: { spentNano: 7, heldNano: 2 } }],
      })
      expect(await money(store)).toEqual({ spentNano: 7, heldNano: 2 })
    })

    test('rebuild-after-trim-retries', async () => {
      const { store } = await busy()
      const entries = await postingsOf(store)
      const [first, second] = entries
      const old = await pictureAt(store, first?.id ?? '', entries.slice(0, 1))
      expect(await store.outbox.acknowledge(old.epoch, second?.id ?? '')).toBe('acknowledged')
      expect(await store.rebuild(old)).toEqual({ outcome: 'retry' })
      expect(await money(store)).toEqual({ spentNano: 5, heldNano: 2 })
      const newer = await pictureAt(store, second?.id ?? '', entries.slice(0, 2))
      expect(await store.rebuild(newer)).toMatchObject({ outcome: 'rebuilt' })
      expect(await money(store)).toEqual({ spentNano: 5, heldNano: 2 })
    })

    test('a ledger of another epoch makes no counter', async () => {
      const { store } = await busy()
      const picture = await pictureAt(store, '0', [])
      expect(await store.rebuild({ ...picture, epoch: 9 })).toEqual({
        outcome: 'epoch-changed',
        epoch: 1,
      })
      expect(await money(store)).toEqual({ spentNano: 5, heldNano: 2 })
    })

    test('a window that nobody opened, or that is gone, is not made', async () => {
      const { store } = await busy()
      await store.forgetWindow(HOUR)
      expect(await store.rebuild(await pictureAt(store, '0', []))).toEqual({
        outcome: 'rebuilt',
        windows: [],
      })
      expect(await money(store)).toBeNull()
    })
  })
}
