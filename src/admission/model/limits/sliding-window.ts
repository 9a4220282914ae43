import type { LimitRecord, SlotState } from '../state.ts'
import { type LineOf, type Measure, stateKey } from './types.ts'

/**
 * A sliding window is kept in 60 steps and counts a step until all of it has left: never more than the limit passes
 * in any window, and room comes back at most one step late.
 */
const STEPS = 60

type Line = LineOf<'sliding-window'>
type Sliding = Extract<LimitRecord, { kind: 'sliding-window' }>

const stepMsOf = ({ perMs }: Line): number => Math.ceil(perMs / STEPS)

/** When the last step that may have counted has left. */
export const slidingEndMs = ({ step, stepMs }: Sliding): number => (step + STEPS + 1) * stepMs

function slidingAt(state: SlotState, line: Line, nowMs: number): Sliding {
  const stepMs = stepMsOf(line)
  const step = Math.floor(nowMs / stepMs)
  const known = state.limits.get(stateKey(line))
  const record: Sliding =
    known?.kind === 'sliding-window'
      ? known
      : { kind: 'sliding-window', stepMs, step, sum: 0, steps: new Map() }
  // A clock that goes back (a failover, a correction) finds the step that has begun.
  record.step = Math.max(record.step, step)
  for (const [at, count] of record.steps) {
    if (at >= record.step - STEPS) continue
    record.sum -= count
    record.steps.delete(at)
  }
  return record
}

export function measureSliding(
  state: SlotState,
  line: Line,
  amount: number,
  nowMs: number,
): Measure {
  const stepMs = stepMsOf(line)
  const record = slidingAt(state, line, nowMs)
  const fits = record.sum + amount <= line.limit
  let retryAtMs = nowMs
  let left = record.sum
  const used = [...record.steps].sort(([a], [b]) => a - b)
  for (const [at, count] of fits ? [] : used) {
    left -= count
    retryAtMs = (at + STEPS + 1) * stepMs
    if (left + amount <= line.limit) break
  }
  const last = used.at(-1)?.[0]
  const resetAtMs = last === undefined ? nowMs : (last + STEPS + 1) * stepMs
  return { key: line.key, remaining: line.limit - record.sum, resetAtMs, fits, retryAtMs }
}

export function takeSliding(state: SlotState, line: Line, amount: number, nowMs: number): void {
  const record = slidingAt(state, line, nowMs)
  record.steps.set(record.step, (record.steps.get(record.step) ?? 0) + amount)
  record.sum += amount
  state.limits.set(stateKey(line), record)
}

/** To the step that it was taken in, if that one is still counted. */
export function giveBackSliding(
  state: SlotState,
  line: Line,
  unused: number,
  takenAtMs: number,
): void {
  const record = state.limits.get(stateKey(line))
  if (record?.kind !== 'sliding-window') return
  const step = Math.floor(takenAtMs / stepMsOf(line))
  const count = record.steps.get(step)
  if (count === undefined) return
  record.steps.set(step, count - unused)
  record.sum -= unused
}
