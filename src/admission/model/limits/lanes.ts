import type { SlotState } from '../state.ts'
import { type LineOf, type Measure, stateKey } from './types.ts'

/** Calls at a time. */
type Line = LineOf<'concurrent'>

/** A lane comes back when somebody ends, which nobody can foretell: ask again in a second. */
const LANE_RETRY_MS = 1_000

const lanesOf = (state: SlotState, line: Line): number => {
  const record = state.limits.get(stateKey(line))
  return record?.kind === 'concurrent' ? record.count : 0
}

export function measureLanes(state: SlotState, line: Line, nowMs: number): Measure {
  const count = lanesOf(state, line)
  const fits = count + 1 <= line.limit
  const retryAtMs = fits ? nowMs : nowMs + LANE_RETRY_MS
  return { key: line.key, remaining: line.limit - count, resetAtMs: retryAtMs, fits, retryAtMs }
}

export const takeLane = (state: SlotState, line: Line): void => {
  state.limits.set(stateKey(line), { kind: 'concurrent', count: lanesOf(state, line) + 1 })
}

export function giveBackLane(state: SlotState, line: Line): void {
  const count = lanesOf(state, line) - 1
  if (count > 0) state.limits.set(stateKey(line), { kind: 'concurrent', count })
  else state.limits.delete(stateKey(line))
}
