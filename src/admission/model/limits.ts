import type { LimitLine, LimitState } from '../commands.ts'
import type { LimitRecord, SlotState, TakenLimit } from './state.ts'

/**
 * Three limits behind one shape: `measure` looks, `take` takes, `giveBack` corrects. Integers only, so that Lua and
 * TypeScript agree to the digit.
 *
 * A sliding window is kept in 60 steps and counts a step until all of it has left: never more than the limit passes
 * in any window, and room comes back at most one step late.
 */
const STEPS = 60

export interface Measure extends LimitState {
  readonly fits: boolean
  /** When the amount would fit, ms; now when it fits. */
  readonly retryAtMs: number
}

const stepMsOf = (perMs: number): number => Math.ceil(perMs / STEPS)
const intervalUsOf = (line: { perMs: number; limit: number }): number =>
  Math.ceil((line.perMs * 1_000) / line.limit)

/** More than the limit holds at all would wait for ever: it passes when nothing else is in it. */
export function clampAmount(line: LimitLine, amount: number): number {
  if (line.kind !== 'concurrent' && line.unit === 'calls') return 1
  if (line.kind === 'token-bucket') return Math.min(amount, line.burst)
  if (line.kind === 'sliding-window') return Math.min(amount, line.limit)
  return 1
}

type Sliding = Extract<LimitRecord, { kind: 'sliding-window' }>

function slidingAt(state: SlotState, key: string, step: number): Sliding {
  const known = state.limits.get(key)
  const record: Sliding =
    known?.kind === 'sliding-window'
      ? known
      : { kind: 'sliding-window', step, sum: 0, steps: new Map() }
  // A clock that goes back (a failover, a correction) finds the step that has begun.
  record.step = Math.max(record.step, step)
  for (const [at, count] of record.steps) {
    if (at >= record.step - STEPS) continue
    record.sum -= count
    record.steps.delete(at)
  }
  return record
}

function measureSliding(
  state: SlotState,
  line: Extract<LimitLine, { kind: 'sliding-window' }>,
  amount: number,
  nowMs: number,
): Measure {
  const stepMs = stepMsOf(line.perMs)
  const step = Math.floor(nowMs / stepMs)
  const record = slidingAt(state, line.key, step)
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

function measureBucket(
  state: SlotState,
  line: Extract<LimitLine, { kind: 'token-bucket' }>,
  amount: number,
  nowMs: number,
): Measure {
  const record = state.limits.get(line.key)
  const interval = intervalUsOf(line)
  const nowUs = nowMs * 1_000
  const tatUs = Math.max(record?.kind === 'token-bucket' ? record.tatUs : 0, nowUs)
  const overUs = tatUs + amount * interval - nowUs - line.burst * interval
  return {
    key: line.key,
    remaining: Math.floor((line.burst * interval - (tatUs - nowUs)) / interval),
    resetAtMs: Math.ceil(tatUs / 1_000),
    fits: overUs <= 0,
    retryAtMs: overUs <= 0 ? nowMs : nowMs + Math.ceil(overUs / 1_000),
  }
}

/** A lane comes back when somebody ends, which nobody can foretell: ask again in a second. */
const LANE_RETRY_MS = 1_000

export function measure(state: SlotState, line: LimitLine, amount: number, nowMs: number): Measure {
  if (line.kind === 'sliding-window') return measureSliding(state, line, amount, nowMs)
  if (line.kind === 'token-bucket') return measureBucket(state, line, amount, nowMs)
  const record = state.limits.get(line.key)
  const count = record?.kind === 'concurrent' ? record.count : 0
  const fits = count + 1 <= line.limit
  const retryAtMs = fits ? nowMs : nowMs + LANE_RETRY_MS
  return { key: line.key, remaining: line.limit - count, resetAtMs: retryAtMs, fits, retryAtMs }
}

export function take(state: SlotState, line: LimitLine, amount: number, nowMs: number): void {
  if (line.kind === 'sliding-window') {
    const step = Math.floor(nowMs / stepMsOf(line.perMs))
    const record = slidingAt(state, line.key, step)
    record.steps.set(record.step, (record.steps.get(record.step) ?? 0) + amount)
    record.sum += amount
    state.limits.set(line.key, record)
  } else if (line.kind === 'token-bucket') {
    const record = state.limits.get(line.key)
    const tatUs = Math.max(record?.kind === 'token-bucket' ? record.tatUs : 0, nowMs * 1_000)
    state.limits.set(line.key, {
      kind: 'token-bucket',
      tatUs: tatUs + amount * intervalUsOf(line),
    })
  } else {
    const record = state.limits.get(line.key)
    const count = record?.kind === 'concurrent' ? record.count : 0
    state.limits.set(line.key, { kind: 'concurrent', count: count + 1 })
  }
}

/**
 * Ends a permit. A lane comes back whole; tokens come back as far as they were not used, to the step they were taken
 * in, if that step is still counted. More used than taken is added there. A call comes back when it was never made.
 * @param used - tokens, null = unknown; 'nothing' = the call was never made.
 */
export function giveBack(
  state: SlotState,
  taken: TakenLimit,
  used: number | null | 'nothing',
  takenAtMs: number,
): void {
  const { line, amount } = taken
  const record = state.limits.get(line.key)
  if (record?.kind === 'concurrent') {
    record.count = Math.max(record.count - 1, 0)
    if (record.count === 0) state.limits.delete(line.key)
    return
  }
  if (record === undefined || used === null || line.kind === 'concurrent') return
  if (line.unit === 'calls' && used !== 'nothing') return
  const unused = used === 'nothing' ? amount : amount - used
  if (record.kind === 'token-bucket' && line.kind === 'token-bucket') {
    record.tatUs = Math.max(record.tatUs - unused * intervalUsOf(line), 0)
  } else if (record.kind === 'sliding-window' && line.kind === 'sliding-window') {
    const step = Math.floor(takenAtMs / stepMsOf(line.perMs))
    const count = record.steps.get(step)
    if (count === undefined) return
    record.steps.set(step, count - unused)
    record.sum -= unused
  }
}
