import { EventEmitter } from 'node:events'
import type { AnswerShelf } from '../cache/invalidation/answer-shelf.ts'
import { memoryAnswers } from '../cache/invalidation/memory-answers.ts'
import { FLOW_KEEP_MS } from './model/fair.ts'
import { limitEndMs } from './model/limits.ts'
import { KEEP_MS } from './model/state.ts'
import * as model from './model.ts'
import { compareOutboxIds, type Outbox } from './outbox.ts'
import { readOutboxEntry } from './read-outbox.ts'
import type { AdmissionStore, Signals } from './store.ts'

export interface MemoryStoreOptions {
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** A state to go on with; absent = an empty slot, which `open` opens. */
  readonly state?: model.SlotState
  /** Decides when a result or a cancellation is told; absent = at once. */
  readonly deliver?: (tell: () => void) => void
}

/** Windows and ended records outlive their end by twice what a replay may need. */
const FORGET_MS = 2 * KEEP_MS
const FORGET_EVERY_MS = 60_000

/** What an operator may do to the answers that are kept beside a slot of this process. */
export interface OwnAnswers {
  readonly answerShelf: AnswerShelf
}

/** One slot in this process. Every command runs to its end before the next: JavaScript is the lock. */
export function createMemoryStore(
  options: MemoryStoreOptions,
): AdmissionStore & Signals & OwnAnswers {
  const { clock, state = model.emptySlot(), deliver = (tell) => tell() } = options
  const events = new EventEmitter().setMaxListeners(0)
  const effects: model.Effects = {
    result: (client, job, stored) => deliver(() => events.emit(`reply:${client}`, job, stored)),
    cancel: (job) => deliver(() => events.emit('cancel', job)),
  }
  let forgotAtMs = 0

  const run = async <C, R>(decide: (ctx: model.Context, command: C) => R, command: C): Promise<R> =>
    decide({ state, nowMs: clock(), epoch: state.slot?.epoch ?? 0, effects }, command)

  const subscribe = async (name: string, listener: (...args: string[]) => void) => {
    events.on(name, listener)
    return async () => void events.off(name, listener)
  }

  return {
    outbox: memoryOutbox(state),
    answerShelf: memoryAnswers(state.cache, clock),
    async open(epoch) {
      if (state.slot) return 'already-open'
      state.slot = { epoch, open: true, acked: '0', trimmed: '0' }
      return 'opened'
    },
    intake: (command) => run(model.intake, command),
    takeLimits: (command) => run(model.takeLimits, command),
    admit: (command) => run(model.admit, command),
    release: (command) => run(model.release, command),
    settle: (command) => run(model.settle, command),
    renew: (command) => run(model.renew, command),
    async expire(limit) {
      const nowMs = clock()
      if (nowMs - forgotAtMs >= FORGET_EVERY_MS) {
        forget(state, nowMs)
        forgotAtMs = nowMs
      }
      return run(model.expire, limit)
    },
    conclude: (command) => run(model.conclude, command),
    cancel: (job) => run(model.cancel, job),
    keepTurns: (command) => run(model.keepTurns, command),
    credit: (command) => run(model.credit, command),
    adopt: (command) => run(model.adopt, command),
    lease: (command) => run(model.lease, command),
    bookLease: (command) => run(model.bookLease, command),
    closeLease: (command) => run(model.closeLease, command),
    rebuild: async (command) => model.rebuild(state, command),
    async peek(keys) {
      return keys.map((key) => {
        const window = state.windows.get(key)
        if (!window) return null
        const { marks: _, credits: __, ...rest } = window
        const nowMs = clock()
        const limitNano = model.limitAt(window, nowMs)
        return { key, ...rest, limitNano, creditNano: model.creditAt(window, nowMs) }
      })
    },
    windows: async () => [...state.windows.keys()],
    async peekLimits(limits) {
      return limits.map((line) => {
        const { key, remaining, resetAtMs } = model.measure(state, line, 0, clock())
        return { key, remaining, resetAtMs }
      })
    },
    result: async (job) => kept(state.results, job, clock()),
    results: async (jobs) => jobs.map((job) => kept(state.results, job, clock())),
    body: async (job) => kept(state.bodies, job, clock()),
    onResult: (client, listener) => subscribe(`reply:${client}`, listener),
    onCancel: (listener) => subscribe('cancel', listener),
    async close() {
      events.removeAllListeners()
    },
  }
}

function kept(texts: model.SlotState['results'], id: string, nowMs: number): string | null {
  const found = texts.get(id)
  return found && found.untilMs > nowMs ? found.text : null
}

function memoryOutbox(state: model.SlotState): Outbox {
  return {
    async slot() {
      if (!state.slot?.open) return null
      const { epoch, acked, trimmed } = state.slot
      return { epoch, acked, trimmed }
    },
    async read(afterId, limit) {
      const from = countUpTo(state.out, afterId)
      return state.out.slice(from, from + limit).map(({ id, entry }) => readOutboxEntry(id, entry))
    },
    async acknowledge(epoch, watermark) {
      if (!state.slot?.open) return 'unavailable'
      if (state.slot.epoch !== epoch) return 'epoch-changed'
      if (compareOutboxIds(watermark, state.slot.acked) > 0) {
        state.slot.acked = watermark
        state.slot.trimmed = watermark
        state.out.splice(0, countUpTo(state.out, watermark))
      }
      return 'acknowledged'
    },
  }
}

/** How many entries have an id up to this one. By halving: a ledger that is away leaves a long outbox. */
function countUpTo(out: readonly model.StoredEntry[], id: string): number {
  let low = 0
  let high = out.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = out[middle]
    if (entry && compareOutboxIds(entry.id, id) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Drops what nobody can ask for any more; in Redis the keys' own time to live does this. */
function forget(state: model.SlotState, nowMs: number): void {
  const old = (atMs: number) => atMs + FORGET_MS <= nowMs
  for (const [key, { endMs, heldNano }] of state.windows) {
    if (old(endMs) && heldNano === 0) state.windows.delete(key)
  }
  for (const [key, { atMs }] of state.jobs) if (old(atMs)) state.jobs.delete(key)
  for (const [key, record] of state.attempts) {
    if (record.state !== 'H' && old(record.atMs)) state.attempts.delete(key)
  }
  for (const texts of [state.results, state.bodies, state.cache]) {
    for (const [key, { untilMs }] of texts) if (untilMs <= nowMs) texts.delete(key)
  }
  for (const [key, { untilMs }] of state.flights) if (old(untilMs)) state.flights.delete(key)
  for (const [key, { atMs }] of state.flows) {
    if (atMs + FLOW_KEEP_MS <= nowMs) state.flows.delete(key)
  }
  for (const [key, untilMs] of state.gates) if (untilMs <= nowMs) state.gates.delete(key)
  for (const [key, record] of state.limits) {
    const endMs = limitEndMs(record)
    if (endMs !== null && endMs <= nowMs) state.limits.delete(key)
  }
}
