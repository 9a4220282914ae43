import type { WindowState } from '../../admission/commands.ts'
import { splitWindowKey } from '../../admission/outbox.ts'
import type { Nano } from '../../money/nano.ts'
import type { ReadSlot } from '../place/read-slot.ts'

/** One budget window as the slot has it. */
export interface BudgetState {
  readonly budget: string
  readonly window: string
  readonly limitNano: Nano
  readonly spentNano: Nano
  readonly heldNano: Nano
  /** Spent and held, percent of the limit; null when the limit is 0. */
  readonly usedPercent: number | null
  /** True = spending is counted, and nothing is refused. */
  readonly warnOnly: boolean
  readonly startsAt: string
  readonly endsAt: string
}

export interface BudgetStates {
  /** False = no window is open now, and these are the last ones that were. */
  readonly open: boolean
  /** Fullest first. */
  readonly windows: readonly BudgetState[]
}

const LATEST_WINDOWS = 500

/**
 * Reads every window that is open now; when none is, the last one of each budget among the newest 500.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export async function readBudgets(slot: ReadSlot): Promise<BudgetStates> {
  const current: BudgetState[] = []
  for await (const page of slot.windows(await slot.now())) {
    current.push(...(await statesOf(slot, page)))
  }
  if (current.length > 0) return { open: true, windows: current.toSorted(byFullness) }
  const last = newestOfEach(await slot.latestWindows(LATEST_WINDOWS))
  return { open: false, windows: (await statesOf(slot, last)).toSorted(byFullness) }
}

async function statesOf(slot: ReadSlot, keys: readonly string[]): Promise<BudgetState[]> {
  const states = await slot.peek(keys)
  return states.filter((state) => state !== null).map(budgetState)
}

/** @param keys - newest first. */
function newestOfEach(keys: readonly string[]): string[] {
  const newest = new Map<string, string>()
  for (const key of keys) {
    const { budget } = splitWindowKey(key)
    if (!newest.has(budget)) newest.set(budget, key)
  }
  return [...newest.values()]
}

type StateOf = Pick<
  WindowState,
  'key' | 'limitNano' | 'spentNano' | 'heldNano' | 'startMs' | 'endMs' | 'warnOnly'
>

/** A window as reports tell it. */
export function budgetState({
  key,
  limitNano,
  spentNano,
  heldNano,
  startMs,
  endMs,
  warnOnly = false,
}: StateOf): BudgetState {
  const used = spentNano + heldNano
  return {
    ...splitWindowKey(key),
    limitNano,
    spentNano,
    heldNano,
    usedPercent: limitNano === 0 ? null : Math.round((used / limitNano) * 1_000) / 10,
    warnOnly,
    startsAt: new Date(startMs).toISOString(),
    endsAt: new Date(endMs).toISOString(),
  }
}

const byFullness = (a: BudgetState, b: BudgetState): number =>
  (b.usedPercent ?? 0) - (a.usedPercent ?? 0) || (a.budget < b.budget ? -1 : 1)
