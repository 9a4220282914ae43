import type { LimitLine, LimitState } from '../plan-lines.ts'
import { fixedEndMs, giveBackFixed, measureFixed, takeFixed } from './limits/fixed-window.ts'
import { giveBackLane, measureLanes, takeLane } from './limits/lanes.ts'
import {
  giveBackSliding,
  measureSliding,
  slidingEndMs,
  takeSliding,
} from './limits/sliding-window.ts'
import { giveBackBucket, measureBucket, takeBucket } from './limits/token-bucket.ts'
import type { Measure } from './limits/types.ts'
import type { LimitRecord, SlotState, TakenLimit } from './state.ts'

/**
 * Four limits behind one shape: `measure` looks, `take` takes, `giveBack` corrects. Integers only, so that Lua and
 * TypeScript agree to the digit.
 */

/** The tokens that a hold takes from limits. */
export interface Tokens {
  readonly input: number
  /** The whole cap. */
  readonly output: number
}

/** The tokens that a call turned out to use. */
export interface UsedTokens {
  readonly total: number
  /** Of them output; null = unknown. */
  readonly output: number | null
}

/**
 * What a hold takes from a limit. More than the limit holds at all would wait for ever: it passes when nothing else
 * is in it.
 */
export function heldAmount(line: LimitLine, { input, output }: Tokens): number {
  if (line.kind === 'concurrent' || line.unit === 'calls') return 1
  const wanted = line.unit === 'input' ? input : line.unit === 'output' ? output : input + output
  return Math.min(wanted, line.kind === 'token-bucket' ? line.burst : line.limit)
}

/** Whether answers from the cache and joined requests take nothing from it. */
export const hitsAreFree = (line: LimitLine): boolean =>
  line.kind !== 'concurrent' && line.countCached === false

export function measure(state: SlotState, line: LimitLine, amount: number, nowMs: number): Measure {
  switch (line.kind) {
    case 'sliding-window':
      return measureSliding(state, line, amount, nowMs)
    case 'fixed-window':
      return measureFixed(state, line, amount, nowMs)
    case 'token-bucket':
      return measureBucket(state, line, amount, nowMs)
    case 'concurrent':
      return measureLanes(state, line, nowMs)
  }
}

/** What is told of a limit that does not refuse. */
export const stateOf = ({ key, remaining, resetAtMs }: LimitState): LimitState => ({
  key,
  remaining,
  resetAtMs,
})

/** What is told when one of them refuses: of those that are full, when the amount fits. */
export const refusingStates = (measures: readonly Measure[]): LimitState[] =>
  measures.map((one) => ({
    ...stateOf(one),
    resetAtMs: one.fits ? one.resetAtMs : one.retryAtMs,
  }))

export function take(state: SlotState, line: LimitLine, amount: number, nowMs: number): void {
  if (line.kind === 'sliding-window') takeSliding(state, line, amount, nowMs)
  else if (line.kind === 'fixed-window') takeFixed(state, line, amount, nowMs)
  else if (line.kind === 'token-bucket') takeBucket(state, line, amount, nowMs)
  else takeLane(state, line)
}

/**
 * Ends a permit. A lane comes back whole; tokens come back as far as they were not used, to the time they were taken
 * in, if that is still counted. More used than taken is added there. A call comes back when it was never made.
 * @param used - null = unknown; 'nothing' = the call was never made.
 */
export function giveBack(
  state: SlotState,
  { line, amount }: TakenLimit,
  used: UsedTokens | null | 'nothing',
  takenAtMs: number,
): void {
  if (line.kind === 'concurrent') {
    giveBackLane(state, line)
    return
  }
  const unused = used === 'nothing' ? amount : amount - (usedOf(line, used) ?? amount)
  if (unused === 0) return
  if (line.kind === 'sliding-window') giveBackSliding(state, line, unused, takenAtMs)
  else if (line.kind === 'fixed-window') giveBackFixed(state, line, unused, takenAtMs)
  else giveBackBucket(state, line, unused)
}

/** @returns null when nobody knows, or when a call was counted. */
export function usedOf(
  { unit }: Exclude<LimitLine, { kind: 'concurrent' }>,
  used: UsedTokens | null,
): number | null {
  if (used === null || unit === 'calls') return null
  if (unit === undefined || unit === 'tokens') return used.total
  if (used.output === null) return null
  return unit === 'output' ? used.output : used.total - used.output
}

/** When the state of a limit is the same as none; null = not by itself. */
export function limitEndMs(record: LimitRecord): number | null {
  switch (record.kind) {
    case 'sliding-window':
      return slidingEndMs(record)
    case 'fixed-window':
      return fixedEndMs(record)
    case 'token-bucket':
      return Math.ceil(record.tatUs / 1_000)
    case 'concurrent':
      return null
  }
}
