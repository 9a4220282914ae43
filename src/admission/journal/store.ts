import type { Nano } from '../../money/nano.ts'
import { createMemoryStore, type OwnAnswers } from '../memory.ts'
import { emptySlot, type SlotState } from '../model.ts'
import type { AdmissionStore, Signals } from '../store.ts'
import { Changes } from './changes.ts'
import type { JournalDatabase } from './database.ts'
import { Disk } from './disk.ts'
import { GroupCommit } from './group-commit.ts'
import { loadSlot } from './load.ts'
import { JOURNAL_SCHEMA } from './schema.ts'
import { TrackedMap } from './tracked-map.ts'

export interface JournaledStoreOptions {
  readonly database: JournalDatabase
  /** Milliseconds since 1970; absent = the machine's time. */
  readonly clock?: () => number
}

/** What the process before this one had left open. */
export interface Recovered {
  /** Holds booked whole, because nobody can know whether their call was sent. */
  readonly unconfirmed: number
  readonly unconfirmedNano: Nano
}

export interface JournaledStore extends AdmissionStore, Signals, OwnAnswers {
  /** Ends every open hold as `expire` does, due or not. Only at start, by the only process on the folder. */
  recover(): Promise<Recovered>
}

/**
 * The slot of one process, in memory and on disk: no reply is given, no result told and no outbox entry shown before
 * the change it speaks of is committed. Loads what the process before it left; `recover` then ends its holds.
 * @throws {BursarError} UNREADABLE_REPLY. Each command: STORE_UNAVAILABLE while the disk cannot be written.
 */
export async function createJournaledStore(
  options: JournaledStoreOptions,
): Promise<JournaledStore> {
  const { database } = options
  const clock = neverBack(options.clock ?? Date.now)
  const changes = new Changes()
  const state = trackedSlot(changes)
  for (const statement of JOURNAL_SCHEMA) await database.query(statement)
  await loadSlot(database, state)
  changes.take()

  const disk = new Disk(database, state, changes)
  const commits = new GroupCommit(disk)
  const deliver = (tell: () => void) => commits.whenSaved(tell)
  const memory = createMemoryStore({ clock, state, deliver })

  const run = async <R>(command: () => Promise<R>): Promise<R> => {
    await commits.ready()
    const reply = await command()
    await commits.saved()
    return reply
  }
  const look = <R>(read: () => Promise<R>): Promise<R> => run(() => changes.unmarked(read))

  return {
    ...memory,
    outbox: {
      // These two never wait: the ledger asks inside a transaction, for which a commit would wait in turn.
      slot: () => memory.outbox.slot(),
      async read(afterId, limit) {
        return (await memory.outbox.read(afterId, limit)).filter(({ id }) => disk.has(id))
      },
      acknowledge: (epoch, watermark) => run(() => memory.outbox.acknowledge(epoch, watermark)),
    },
    open: (epoch) => run(() => memory.open(epoch)),
    intake: (command) => run(() => memory.intake(command)),
    takeLimits: (command) => run(() => memory.takeLimits(command)),
    admit: (command) => run(() => memory.admit(command)),
    release: (command) => run(() => memory.release(command)),
    settle: (command) => run(() => memory.settle(command)),
    renew: (command) => run(() => memory.renew(command)),
    expire: (limit) => run(() => memory.expire(limit)),
    conclude: (command) => run(() => memory.conclude(command)),
    cancel: (job) => run(() => memory.cancel(job)),
    keepTurns: (command) => run(() => memory.keepTurns(command)),
    credit: (command) => run(() => memory.credit(command)),
    adopt: (command) => run(() => memory.adopt(command)),
    lease: (command) => run(() => memory.lease(command)),
    bookLease: (command) => run(() => memory.bookLease(command)),
    closeLease: (command) => run(() => memory.closeLease(command)),
    rebuild: (command) =>
      command.apply ? run(() => memory.rebuild(command)) : look(() => memory.rebuild(command)),
    peek: (keys) => look(() => memory.peek(keys)),
    windows: () => look(() => memory.windows()),
    peekLimits: (limits) => look(() => memory.peekLimits(limits)),
    result: (job) => look(() => memory.result(job)),
    results: (jobs) => look(() => memory.results(jobs)),
    body: (job) => look(() => memory.body(job)),
    recover: () =>
      run(async () => {
        makeDue(state, clock())
        const reply = await memory.expire(state.exp.size)
        const holds = reply.outcome === 'expired' ? reply.holds : []
        const unconfirmedNano = holds.reduce((sum, { holdNano }) => sum + holdNano, 0)
        return { unconfirmed: holds.length, unconfirmedNano }
      }),
    async close() {
      try {
        await commits.saved()
      } finally {
        await memory.close()
      }
    },
  }
}

/** Every open hold may end now, also one whose expiry was lost. */
function makeDue({ attempts, exp }: SlotState, nowMs: number): void {
  for (const [attempt, { state }] of attempts) if (state === 'H') exp.set(attempt, nowMs)
}

const trackedSlot = (changes: Changes): SlotState => ({
  ...emptySlot(),
  windows: new TrackedMap('windows', changes),
  attempts: new TrackedMap('attempts', changes),
  jobs: new TrackedMap('jobs', changes),
  exp: new TrackedMap('exp', changes),
  limits: new TrackedMap('limits', changes),
  gates: new TrackedMap('gates', changes),
  turns: new TrackedMap('turns', changes),
  flows: new TrackedMap('flows', changes),
  results: new TrackedMap('results', changes),
  bodies: new TrackedMap('bodies', changes),
})

/** A machine's clock may be set back; expiries and limits then wait for it. */
function neverBack(clock: () => number): () => number {
  let lastMs = 0
  return () => {
    lastMs = Math.max(lastMs, clock())
    return lastMs
  }
}
