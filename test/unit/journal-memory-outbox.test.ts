import { expect, test } from 'vitest'
import { createMemoryStore } from '../../src/admission/memory.ts'
import { emptySlot } from '../../src/admission/model.ts'

const ENTRIES = 100_000
const PAGE = 100

test('100,000 entries are drained page by page in order, without looking through all of them each time', async () => {
  const state = emptySlot()
  for (let seq = 0; seq < ENTRIES; seq++) {
    const entry = {
      type: 'threshold',
      window: 'company:ever',
      percent: 50,
      spentNano: seq,
      limitNano: 1,
      postedAtMs: 1,
    } as const
    state.out.push({ id: `${1_000 + (seq >> 3)}-${seq}`, entry })
  }
  state.seq = ENTRIES
  const { outbox, open } = createMemoryStore({ clock: () => 1, state })
  await open(1)
  const began = performance.now()
  let watermark = '0'
  for (let drained = 0; drained < ENTRIES; drained += PAGE) {
    const page = await outbox.read(watermark, PAGE)
    expect(page).toHaveLength(PAGE)
    expect(page[0]).toMatchObject({ spentNano: drained })
    watermark = page.at(-1)?.id ?? ''
    await outbox.acknowledge(1, watermark)
  }
  expect(await outbox.read('0', PAGE)).toEqual([])
  // It took a minute when each page looked through all that was left.
  expect(performance.now() - began).toBeLessThan(10_000)
})
