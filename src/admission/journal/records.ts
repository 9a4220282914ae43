import { z } from 'zod'
import type {
  AttemptRecord,
  FlowRecord,
  JobRecord,
  Kept,
  LimitRecord,
  Slot,
  StoredEntry,
  TurnsRecord,
  WindowRecord,
} from '../model/state.ts'
import type { SlotState } from '../model.ts'
import { OUTCOMES } from '../outbox.ts'
import type { LimitLine } from '../plan-lines.ts'

/**
 * How each record of the slot is written. Texts of JSON, not jsonb: what apps name their users may hold a NUL or half
 * a surrogate pair, which PostgreSQL's text and jsonb refuse and JSON escapes.
 */
export const KINDS = [
  'windows',
  'attempts',
  'jobs',
  'exp',
  'limits',
  'gates',
  'turns',
  'flows',
  'results',
  'bodies',
] as const
/** The maps of the slot that are on disk. The cache and the calls under way are not: what is lost is asked again. */
export type Kind = (typeof KINDS)[number]

const number = z.number()
const amount = z.int()

const rate = {
  key: z.string(),
  limit: number,
  perMs: number,
  unit: z.enum(['tokens', 'calls', 'input', 'output']).exactOptional(),
  countCached: z.literal(false).exactOptional(),
}

const Line: z.ZodType<LimitLine> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sliding-window'), ...rate }),
  z.object({ kind: z.literal('fixed-window'), ...rate }),
  z.object({ kind: z.literal('token-bucket'), ...rate, burst: number }),
  z.object({ kind: z.literal('concurrent'), key: z.string(), limit: number }),
])

const Window: z.ZodType<WindowRecord> = z.object({
  limitNano: amount,
  policy: number,
  spentNano: amount,
  heldNano: amount,
  startMs: number,
  endMs: number,
  marks: z.array(number),
  firedPercent: number,
  warnOnly: z.boolean().default(false),
  credits: z.array(z.object({ id: z.string(), amountNano: amount, untilMs: number })).default([]),
})

const Attempt: z.ZodType<AttemptRecord> = z.object({
  state: z.enum(['H', 'U', 'S', 'R']),
  job: z.string(),
  rung: number,
  holdNano: amount,
  capTokens: number,
  n: number,
  atMs: number,
  windows: z.array(z.string()),
  limits: z.array(z.object({ line: Line, amount: number })),
  bookedNano: amount,
  rev: number,
  meta: z.string(),
})

const Job: z.ZodType<JobRecord> = z.object({
  queued: z.boolean(),
  cancelled: z.boolean(),
  n: number,
  joined: z.string(),
  joins: number,
  done: z.enum(OUTCOMES).nullable(),
  atMs: number,
})

const Limit: z.ZodType<LimitRecord> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('sliding-window'),
    // A record of before steps told their length is over.
    stepMs: number.default(0),
    step: number,
    sum: number,
    steps: z.array(z.tuple([number, number])).transform((steps) => new Map(steps)),
  }),
  z.object({ kind: z.literal('fixed-window'), perMs: number, startMs: number, count: number }),
  z.object({ kind: z.literal('token-bucket'), tatUs: number }),
  z.object({ kind: z.literal('concurrent'), count: number }),
])

const Turns: z.ZodType<TurnsRecord> = z.object({
  virtual: number,
  meanNano: number,
  lap: number,
  cleanLap: number,
  turnedAtMs: number,
  dueMs: number,
})

const Flow: z.ZodType<FlowRecord> = z.object({ finish: number, atMs: number })

const Text: z.ZodType<Kept> = z.object({ text: z.string(), untilMs: number })

const INTO: Record<Kind, (state: SlotState, key: string, value: unknown) => void> = {
  windows: (state, key, value) => state.windows.set(key, Window.parse(value)),
  attempts: (state, key, value) => state.attempts.set(key, Attempt.parse(value)),
  jobs: (state, key, value) => state.jobs.set(key, Job.parse(value)),
  exp: (state, key, value) => state.exp.set(key, number.parse(value)),
  limits: (state, key, value) => state.limits.set(key, Limit.parse(value)),
  gates: (state, key, value) => state.gates.set(key, number.parse(value)),
  turns: (state, key, value) => state.turns.set(key, Turns.parse(value)),
  flows: (state, key, value) => state.flows.set(key, Flow.parse(value)),
  results: (state, key, value) => state.results.set(key, Text.parse(value)),
  bodies: (state, key, value) => state.bodies.set(key, Text.parse(value)),
}

/**
 * Puts one written record into the slot.
 * @throws {z.ZodError | SyntaxError} the text is no record of this kind.
 */
export const readRecord = (state: SlotState, kind: Kind, key: string, text: string): void =>
  INTO[kind](state, key, JSON.parse(text))

const mapAsPairs = (_name: string, value: unknown): unknown =>
  value instanceof Map ? [...value] : value

/** The record as it stands now; null when there is none (any more). */
export function writeRecord(state: SlotState, kind: Kind, key: string): string | null {
  const value = state[kind].get(key)
  if (value === undefined) return null
  return kind === 'limits' ? JSON.stringify(value, mapAsPairs) : JSON.stringify(value)
}

/** A key as PostgreSQL can hold it: itself, but for quotes, backslashes and what only JSON can escape. */
export const writeKey = (key: string): string => JSON.stringify(key).slice(1, -1)

export const readKey = (written: string): string => z.string().parse(JSON.parse(`"${written}"`))

const Head = z.object({
  slot: z
    .object({ epoch: number, open: z.boolean(), acked: z.string(), trimmed: z.string() })
    .nullable() satisfies z.ZodType<Slot | null>,
  seq: z.int().min(0),
  outMs: number,
})

/** What the slot knows beside its records. */
export const writeHead = ({ slot, seq, outMs }: SlotState): string =>
  JSON.stringify({ slot, seq, outMs })

/** @throws {z.ZodError | SyntaxError} the text is none. */
export const readHead = (state: SlotState, text: string): void => {
  Object.assign(state, Head.parse(JSON.parse(text)))
}

export const writeEntry = ({ entry }: StoredEntry): string => JSON.stringify(entry)
