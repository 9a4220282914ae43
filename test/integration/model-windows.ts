import { expect } from 'vitest'
import { windowTotals } from '../../src/ledger/queries/window-sums.ts'
import type { Rig } from './queue-rig.ts'

/** Holds every counter of the slot against the ledger, which must have everything by now. */
export async function verifyWindows({ runtime }: Rig): Promise<void> {
  const keys = await runtime.store.windows()
  const states = await runtime.store.peek(keys)
  const totals = await windowTotals(runtime.ledger)
  expect(keys.length).toBeGreaterThan(0)
  for (const state of states) {
    expect(state?.heldNano).toBe(0)
    expect(totals.get(state?.key ?? '')?.spentNano ?? 0, state?.key).toBe(state?.spentNano)
  }
}
