import type { Passed } from '../../admission/commands.ts'
import { affordableCap, amountFor } from '../../admission/model/rungs.ts'
import type { Nano } from '../../money/nano.ts'
import type { OkPlan } from '../../queue/judge-admission.ts'
import type { JournaledLease } from '../journal/book.ts'

/** The rung that an allowance pays for. */
export interface ChosenRung {
  readonly rung: number
  readonly capTokens: number
  readonly holdNano: Nano
  readonly passed: readonly Passed[]
}

/**
 * The first rung that fits what is free, as admission would judge it if the allowance were the only budget: near its end
 * it steps down, and the last rung is shortened. @returns null when not even the least of the last one fits.
 */
export function chooseRung(
  { offers, windows }: Pick<OkPlan, 'offers' | 'windows'>,
  lease: Pick<JournaledLease, 'amountNano' | 'freeNano' | 'windows'>,
): ChosenRung | null {
  const { amountNano, freeNano } = lease
  const view = { limitNano: amountNano, usedNano: amountNano - Math.max(freeNano, 0) }
  const index = windows.findIndex(({ key }) => lease.windows.includes(key))
  const passed: Passed[] = []
  for (const [rung, offer] of offers.entries()) {
    const capTokens = affordableCap(offer, [view])
    if (capTokens >= 0) return { rung, capTokens, holdNano: amountFor(offer, capTokens), passed }
    passed.push({ by: 'budget', index })
  }
  return null
}
