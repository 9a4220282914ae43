import type { Nano } from '../../money/nano.ts'
import { KINDS, type Kind } from '../journal/records.ts'
import { FLOW_KEEP_MS } from '../model/fair.ts'
import { limitEndMs } from '../model/limits.ts'
import {
  type AttemptRecord,
  type JobRecord,
  KEEP_MS,
  type Kept,
  type LimitRecord,
  type SlotState,
  type WindowRecord,
} from '../model/state.ts'
import { Writer } from './writer.ts'

/** A slot to be written into Redis. */
export interface SlotToPack {
  readonly state: SlotState
  /** What the ledger has for a window, nano-USD: counters come from there. */
  readonly spentNano: (window: string) => Nano
  /** Now by the slot's own clock: what has outlived its time stays behind. */
  readonly nowMs: number
}

/** What ended is forgotten this long after it was last touched, as the in-process store does. */
const FORGET_MS = 2 * KEEP_MS

const begin = (kind: string): Writer => new Writer().byte(kind.charCodeAt(0))

function packWindow(key: string, record: WindowRecord, spentNano: Nano): Writer {
  const words = begin('w').text(key).double(record.policy).nano(record.limitNano).nano(spentNano)
  for (const value of [record.firedPercent, record.startMs, record.endMs]) words.double(value)
  words.flag(record.warnOnly).text(record.marks.join(',')).short(record.credits.length)
  for (const { id, amountNano, untilMs } of record.credits) {
    words.text(id).nano(amountNano).double(untilMs)
  }
  return words
}

function packAttempt(id: string, record: AttemptRecord, ttlMs: number): Writer {
  const words = begin('a').text(id).byte(record.state.charCodeAt(0))
  for (const amount of [record.rev, record.bookedNano, record.rung, record.holdNano]) {
    words.nano(amount)
  }
  for (const value of [record.capTokens, record.n, record.atMs, ttlMs]) words.double(value)
  words.text(record.job).byte(record.windows.length)
  for (const key of record.windows) words.text(key)
  return words
}

const packJob = (id: string, record: JobRecord, ttlMs: number): Writer =>
  begin('j')
    .text(id)
    .flag(record.cancelled)
    .flag(record.queued)
    .double(record.n)
    .double(ttlMs)
    .text(record.done ?? '')
    .byte(record.joins)
    .text(record.joined)

/** @returns nothing for a lane: nobody holds one any more. */
function packLimit(key: string, record: LimitRecord, nowMs: number): Writer[] {
  if (record.kind === 'concurrent' || (limitEndMs(record) ?? 0) <= nowMs) return []
  if (record.kind === 'token-bucket') return [begin('b').text(key).double(record.tatUs)]
  if (record.kind === 'fixed-window') {
    const { perMs, startMs, count } = record
    return [begin('f').text(key).double(perMs).double(startMs).double(count)]
  }
  const { stepMs, step, sum, steps } = record
  if (steps.size === 0) return []
  const words = begin('s').text(key).double(stepMs).double(sum).double(step).byte(steps.size)
  const ascending = [...steps].toSorted(([a], [b]) => a - b)
  for (const [at, amount] of ascending) words.double(at).double(amount)
  return [words]
}

const packText = (name: 'res' | 'body', job: string, text: string, ttlMs: number): Writer =>
  begin('t').text(name).text(job).double(ttlMs).text(text)

/** Every kind of record says here how it travels, or why it does not. */
const PACKERS: Readonly<Record<Kind, (slot: SlotToPack) => Iterable<Writer>>> = {
  *windows({ state, spentNano }) {
    for (const [key, record] of state.windows) yield packWindow(key, record, spentNano(key))
  },
  *attempts({ state, nowMs }) {
    for (const [id, record] of state.attempts) {
      const ttlMs = record.atMs + FORGET_MS - nowMs
      if (ttlMs > 0) yield packAttempt(id, record, ttlMs)
    }
  },
  *jobs({ state, nowMs }) {
    for (const [id, record] of state.jobs) {
      const ttlMs = record.atMs + FORGET_MS - nowMs
      if (ttlMs > 0) yield packJob(id, record, ttlMs)
    }
  },
  // Expiries of holds, and a slot that is moved has none.
  exp: () => [],
  *limits({ state, nowMs }) {
    for (const [key, record] of state.limits) yield* packLimit(key, record, nowMs)
  },
  *gates({ state, nowMs }) {
    for (const [key, untilMs] of state.gates) {
      if (untilMs > nowMs) yield begin('g').text(key).double(untilMs)
    }
  },
  *turns({ state }) {
    for (const [queue, record] of state.turns) {
      const { virtual, meanNano, lap, cleanLap, turnedAtMs, dueMs } = record
      const words = begin('v').text(queue)
      for (const value of [virtual, meanNano, lap, cleanLap, turnedAtMs, dueMs]) words.double(value)
      yield words
    }
  },
  *flows({ state, nowMs }) {
    for (const [key, { finish, atMs }] of state.flows) {
      const ttlMs = atMs + FLOW_KEEP_MS - nowMs
      if (ttlMs > 0) yield begin('o').text(key).double(finish).double(ttlMs)
    }
  },
  *results({ state, nowMs }) {
    yield* packTexts('res', state.results, nowMs)
  },
  *bodies({ state, nowMs }) {
    yield* packTexts('body', state.bodies, nowMs)
  },
}

function* packTexts(name: 'res' | 'body', texts: ReadonlyMap<string, Kept>, nowMs: number) {
  for (const [job, { text, untilMs }] of texts) {
    if (untilMs > nowMs) yield packText(name, job, text, untilMs - nowMs)
  }
}

/** Each record as one argument of restore.lua, with the kind that it is of. Nothing may be held in this slot. */
export function* packSlot(slot: SlotToPack): Generator<{ kind: Kind; packed: Buffer }, void> {
  for (const kind of KINDS) {
    for (const words of PACKERS[kind](slot)) yield { kind, packed: words.done() }
  }
}
