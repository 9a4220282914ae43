import type { LimitRecord, SlotState } from '../state.ts'
import { type LineOf, type Measure, stateKey } from './types.ts'

/**
 * A fixed window counts from one multiple of its period to the next: it is whole again on the minute, on the hour, at
 * midnight or on Monday, UTC. Two windows side by side may pass twice the limit within one period.
 */
type Line = LineOf<'fixed-window'>
type Fixed = Extract<LimitRecord, { kind: 'fixed-window' }>

/** From a Monday to 1970-01-01; a multiple of every period that is shorter than a week. */
const SINCE_MONDAY_MS = 3 * 86_400_000

const startOf = ({ perMs }: Line, nowMs: number): number =>
  nowMs - ((nowMs + SINCE_MONDAY_MS) % perMs)

export const fixedEndMs = ({ startMs, perMs }: Fixed): number => startMs + perMs

function fixedAt(state: SlotState, line: Line, nowMs: number): Fixed {
  const startMs = startOf(line, nowMs)
  const known = state.limits.get(stateKey(line))
  // A clock that goes back finds the window that has begun.
  return known?.kind === 'fixed-window' && known.startMs >= startMs
    ? known
    : { kind: 'fixed-window', perMs: line.perMs, startMs, count: 0 }
}

export function measureFixed(state: SlotState, line: Line, amount: number, nowMs: number): Measure {
  const record = fixedAt(state, line, nowMs)
  const fits = record.count + amount <= line.limit
  return {
    key: line.key,
    remaining: line.limit - record.count,
    resetAtMs: record.count > 0 ? fixedEndMs(record) : nowMs,
    fits,
    retryAtMs: fits ? nowMs : fixedEndMs(record),
  }
}

export function takeFixed(state: SlotState, line: Line, amount: number, nowMs: number): void {
  const record = fixedAt(state, line, nowMs)
  record.count += amount
  state.limits.set(stateKey(line), record)
}

/** To the window that it was taken in, if that one has not ended. */
export function giveBackFixed(
  state: SlotState,
  line: Line,
  unused: number,
  takenAtMs: number,
): void {
  const record = state.limits.get(stateKey(line))
  if (record?.kind !== 'fixed-window' || record.startMs !== startOf(line, takenAtMs)) return
  record.count -= unused
}
