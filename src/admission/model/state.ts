import type { Nano } from '../../money/nano.ts'
import type { Outcome } from '../outbox.ts'
import type { LimitLine, WindowLine } from '../plan-lines.ts'
import type { RawOutboxEntry } from '../read-outbox.ts'

/** Ended attempts and jobs, and windows after their end, are remembered this long: longer than the longest replay. */
export const KEEP_MS = 72 * 3_600_000

/** Something granted on top of a window's limit; 0 = it was revoked. */
export interface Credit {
  readonly id: string
  readonly amountNano: Nano
  /** First instant at which it counts no more. */
  readonly untilMs: number
}

export interface WindowRecord {
  /** The policy's own; `limitAt` says what is in force. */
  limitNano: Nano
  policy: number
  spentNano: Nano
  heldNano: Nano
  startMs: number
  endMs: number
  marks: readonly number[]
  firedPercent: number
  warnOnly: boolean
  credits: readonly Credit[]
}

/** A window that nobody has held against, as a plan describes it. */
export const openedWindow = (line: WindowLine, policy: number): WindowRecord => ({
  limitNano: line.limitNano,
  policy,
  spentNano: 0,
  heldNano: 0,
  startMs: line.startMs,
  endMs: line.endMs,
  marks: line.marks,
  firedPercent: 0,
  warnOnly: line.warnOnly === true,
  credits: [],
})

/** H held, U unconfirmed, S settled, R released. */
export type AttemptState = 'H' | 'U' | 'S' | 'R'

/** What a hold took from a limit, so that its end can give it back. */
export interface TakenLimit {
  line: LimitLine
  amount: number
}

export interface AttemptRecord {
  state: AttemptState
  job: string
  rung: number
  holdNano: Nano
  capTokens: number
  n: number
  atMs: number
  windows: readonly string[]
  limits: readonly TakenLimit[]
  bookedNano: Nano
  rev: number
  meta: string
}

export interface JobRecord {
  queued: boolean
  cancelled: boolean
  /** Takes that held. */
  n: number
  /** The attempt whose answer it waited for last, '' = none, and how many it has waited for. */
  joined: string
  joins: number
  done: Outcome | null
  /** Last touched, ms. */
  atMs: number
}

/** A text that is dropped when its time is over. */
export interface Kept {
  readonly text: string
  readonly untilMs: number
}

/** A call under way whose answer may serve others. */
export interface Flight {
  readonly attempt: string
  /** Until the hold's first expiry: a call that takes longer is joined no more. */
  readonly untilMs: number
  /** Jobs that wait for it, told when it ends. */
  readonly jobs: string[]
}

export type LimitRecord =
  | {
      kind: 'sliding-window'
      stepMs: number
      step: number
      sum: number
      steps: Map<number, number>
    }
  | { kind: 'fixed-window'; perMs: number; startMs: number; count: number }
  | { kind: 'token-bucket'; tatUs: number }
  | { kind: 'concurrent'; count: number }

/** How far a queue's turns have come (fair.ts). */
export interface TurnsRecord {
  /** Highest tag that was served. */
  virtual: number
  /** Mean cost of what was handed in, nano-USD. */
  meanNano: number
  lap: number
  /** The last lap to which everything that waits is known to belong. */
  cleanLap: number
  turnedAtMs: number
  /** When the next caller may be asked to look. */
  dueMs: number
}

/** Where the last job of a flow ends. */
export interface FlowRecord {
  readonly finish: number
  readonly atMs: number
}

export interface StoredEntry {
  readonly id: string
  readonly entry: RawOutboxEntry
}

export interface Slot {
  epoch: number
  open: boolean
  acked: string
  trimmed: string
}

/**
 * Everything one slot knows. Mutated in place by the functions of this folder, one command at a time. A record is
 * changed only after `get` or by `set`, never while its map is walked: the journal writes what those two touched.
 */
export interface SlotState {
  slot: Slot | null
  readonly windows: Map<string, WindowRecord>
  readonly attempts: Map<string, AttemptRecord>
  readonly jobs: Map<string, JobRecord>
  /** attempt -> expiry, ms */
  readonly exp: Map<string, number>
  /** By `stateKey`. */
  readonly limits: Map<string, LimitRecord>
  /** gate -> closed until, ms */
  readonly gates: Map<string, number>
  /** queue -> its turns */
  readonly turns: Map<string, TurnsRecord>
  /** `<queue>/<flow>` */
  readonly flows: Map<string, FlowRecord>
  readonly cache: Map<string, Kept>
  /** cache key -> the attempt that is asking; like the cache, lost with the process. */
  readonly flights: Map<string, Flight>
  readonly results: Map<string, Kept>
  readonly bodies: Map<string, Kept>
  /** Oldest first; their numbers have no gap, and the newest is `seq - 1`. */
  readonly out: StoredEntry[]
  seq: number
  /** The newest outbox id's milliseconds. */
  outMs: number
}

export const emptySlot = (): SlotState => ({
  slot: null,
  windows: new Map(),
  attempts: new Map(),
  jobs: new Map(),
  exp: new Map(),
  limits: new Map(),
  gates: new Map(),
  turns: new Map(),
  flows: new Map(),
  cache: new Map(),
  flights: new Map(),
  results: new Map(),
  bodies: new Map(),
  out: [],
  seq: 0,
  outMs: 0,
})

/** What leaves the slot beside the reply. */
export interface Effects {
  result(client: string, job: string, stored: string): void
  cancel(job: string): void
}

/** One command's surroundings: time is an argument, and the caller says in which epoch it believes. */
export interface Context {
  readonly state: SlotState
  readonly nowMs: number
  readonly epoch: number
  readonly effects: Effects
}

export function jobOf({ state, nowMs }: Context, id: string): JobRecord {
  const known = state.jobs.get(id) ?? newJob()
  known.atMs = nowMs
  state.jobs.set(id, known)
  return known
}

const newJob = (): JobRecord => ({
  queued: false,
  cancelled: false,
  n: 0,
  joined: '',
  joins: 0,
  done: null,
  atMs: 0,
})

/** @returns null when the slot is open in the caller's epoch. */
export function closedReply({
  state,
  epoch,
}: Pick<Context, 'state' | 'epoch'>):
  | { outcome: 'unavailable' }
  | { outcome: 'epoch-changed'; epoch: number }
  | null {
  if (!state.slot?.open) return { outcome: 'unavailable' }
  if (state.slot.epoch !== epoch) return { outcome: 'epoch-changed', epoch: state.slot.epoch }
  return null
}

export function append(ctx: Context, entry: RawOutboxEntry): void {
  const { state, nowMs } = ctx
  // A clock that goes back must not number an entry below what the ledger has: it would never be drained.
  state.outMs = Math.max(state.outMs, nowMs)
  const id = `${state.outMs}-${state.seq++}`
  state.out.push({ id, entry })
}
