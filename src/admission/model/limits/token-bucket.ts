import type { SlotState } from '../state.ts'
import { type LineOf, type Measure, stateKey } from './types.ts'

/**
 * A bucket of `burst` that refills evenly, as the generic cell rate algorithm keeps it: by the time at which it would be
 * full, the theoretical arrival time, in microseconds.
 */
type Line = LineOf<'token-bucket'>

const intervalUsOf = ({ perMs, limit }: Line): number => Math.ceil((perMs * 1_000) / limit)

const fullAtUs = (state: SlotState, line: Line): number => {
  const record = state.limits.get(stateKey(line))
  return record?.kind === 'token-bucket' ? record.tatUs : 0
}

export function measureBucket(
  state: SlotState,
  line: Line,
  amount: number,
  nowMs: number,
): Measure {
  const interval = intervalUsOf(line)
  const nowUs = nowMs * 1_000
  const tatUs = Math.max(fullAtUs(state, line), nowUs)
  const overUs = tatUs + amount * interval - nowUs - line.burst * interval
  return {
    key: line.key,
    remaining: Math.floor((line.burst * interval - (tatUs - nowUs)) / interval),
    resetAtMs: Math.ceil(tatUs / 1_000),
    fits: overUs <= 0,
    retryAtMs: overUs <= 0 ? nowMs : nowMs + Math.ceil(overUs / 1_000),
  }
}

export function takeBucket(state: SlotState, line: Line, amount: number, nowMs: number): void {
  const tatUs = Math.max(fullAtUs(state, line), nowMs * 1_000) + amount * intervalUsOf(line)
  state.limits.set(stateKey(line), { kind: 'token-bucket', tatUs })
}

export function giveBackBucket(state: SlotState, line: Line, unused: number): void {
  const record = state.limits.get(stateKey(line))
  if (record?.kind !== 'token-bucket') return
  record.tatUs = Math.max(record.tatUs - unused * intervalUsOf(line), 0)
}
