import type { AdoptCommand, AdoptReply, LedgerWord } from '../../admission/adopt-command.ts'
import type { BookLeaseCommand } from '../../admission/lease-commands.ts'
import { LEASE_TTL_MS, newLeaseId } from '../../admission/lease-id.ts'
import type { AdmissionStore } from '../../admission/store.ts'
import { isBursarError, messageOf } from '../../errors.ts'
import { knownLeases } from '../../ledger/leases.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { wordsOf } from '../../ledger/queries/words-of.ts'
import type { Clock } from '../../queue/clock.ts'
import type { RulesSource } from '../../queue/context.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Guard } from '../guard.ts'
import { amountOf, Book, type JournaledLease } from '../journal/book.ts'
import type { JournalFile } from '../journal/file.ts'
import type { JournalRecord } from '../journal/records.ts'
import { leaseWindows } from './lease-windows.ts'

export interface KeeperParts {
  readonly store: Pick<
    AdmissionStore,
    'adopt' | 'lease' | 'bookLease' | 'closeLease' | 'renew' | 'conclude'
  >
  readonly ledger: Ledger
  readonly guard: Guard
  readonly rules: RulesSource
  readonly clock: Clock
  readonly logger: Logger
  readonly journal: JournalFile<JournalRecord>
  /** The life of the slot that this process believes in. */
  readonly epoch: () => number
  /** Who it is, for people. */
  readonly process: string
  /** false = only what a process before left is brought to its end. */
  readonly mayTake: boolean
}

/** Keeps the allowance of one journal: takes it, brings back what was spent from it, closes it. */
export interface Keeper {
  /** The allowance that may be spent from now; null = none. */
  current(): JournaledLease | null
  /** Writes a record, and resolves once it is on disk. @throws {BursarError} STORE_UNAVAILABLE: it never was there. */
  enter(record: JournalRecord): Promise<void>
  /** A call that runs: it is not booked before it ends. @returns says that it has ended. */
  running(attempt: string): () => void
  /** Looks now what is to be done. Does nothing while Redis is away. */
  step(): Promise<void>
  /** Ends of requests that the slot has not been told. */
  readonly rows: number
  /** Whether everything that the journal knew is in the ledger. */
  readonly isClean: boolean
  /** Ends the allowance, if Redis is there; otherwise the next process on this disk does. */
  close(): Promise<void>
}

const STEP_EVERY_MS = 500
const RENEW_EVERY_MS = LEASE_TTL_MS / 6
const BOOK_AT_ONCE = 16
/** A budget that is nearly used up stays so for a while. */
const TAKE_AGAIN_MS = 30_000
const CLOSE_WITHIN_MS = 3_000

export function createKeeper(parts: KeeperParts): Keeper {
  const { store, ledger, guard, rules, clock, logger, journal } = parts
  const book = new Book(journal.found)
  const running = new Set<string>()
  /** Attempt -> what the slot has booked for it in this life, as far as this process knows. */
  const booked = new Map<string, string>()
  /** Told to the slot of this life as closed. */
  const closedThere = new Set<string>()
  let life = parts.epoch()
  let mine: { readonly lease: string; isUsable: boolean; renewedAtMs: number } | null = null
  let isEnding = !parts.mayTake
  let stepping: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined
  let complaint = ''
  let takeAtMs = 0
  let isClosed = false

  const leaseCalled = (id: string) => book.leases.find(({ lease }) => lease === id) ?? null

  async function enter(record: JournalRecord): Promise<void> {
    // First in memory: what is being written is spent already.
    book.enter(record)
    try {
      await journal.append(record)
    } catch (error) {
      book.withdraw(record)
      throw error
    }
  }

  async function tellRows(): Promise<void> {
    const rows = [...book.rows]
    for (const row of rows) {
      const reply = await store.conclude(row)
      if (reply.outcome !== 'concluded' && reply.outcome !== 'already') throw closedSlot()
    }
    if (rows.length === 0) return
    book.told(rows)
    await journal.rewrite([...book.records()])
  }

  const owedOf = ({ calls }: JournaledLease): BookLeaseCommand[] =>
    [...calls.values()].filter(
      (call) => !running.has(call.attempt) && booked.get(call.attempt) !== stateOf(call),
    )

  async function bookCall(call: BookLeaseCommand, word: LedgerWord | null): Promise<void> {
    // A slot that was emptied since has forgotten it; what the ledger has is not booked again.
    if (word && word.state !== 'R')
      await remembered(store.adopt({ ...forgotten(call), ledger: word }))
    const reply = await store.bookLease(call)
    if (reply.outcome === 'unavailable' || reply.outcome === 'epoch-changed') throw closedSlot()
    if (reply.outcome === 'too-old' || reply.outcome === 'orphan') {
      const { attempt, lease } = call
      logger.error({ attempt, lease, outcome: reply.outcome }, 'a call of an allowance came late')
    }
    booked.set(call.attempt, stateOf(call))
  }

  async function replay(lease: JournaledLease): Promise<void> {
    const owed = owedOf(lease)
    for (let at = 0; at < owed.length; at += BOOK_AT_ONCE) {
      const page = owed.slice(at, at + BOOK_AT_ONCE)
      const words = await wordsOf(
        ledger,
        page.map(({ attempt }) => attempt),
      )
      await Promise.all(page.map((call) => bookCall(call, words.get(call.attempt) ?? null)))
    }
    if (owed.length > 0) logger.info({ lease: lease.lease, calls: owed.length }, 'booked')
  }

  /** Brings an allowance to its end: nothing more is spent, everything is booked, the rest goes back. */
  async function retire(lease: JournaledLease): Promise<void> {
    if (!lease.isStopped) await enter({ is: 'stop', lease: lease.lease })
    await replay(lease)
    const attempts = [...lease.calls.keys()]
    if (attempts.some((attempt) => running.has(attempt))) return
    if (!closedThere.has(lease.lease)) {
      const reply = await store.closeLease({ lease: lease.lease, attempts })
      if (reply.outcome === 'unreplayed') booked.clear()
      if (reply.outcome !== 'closed') throw closedSlot()
      closedThere.add(lease.lease)
    }
    // Until the ledger has it, an emptied slot may have to hear all of it again.
    const known = await knownLeases(ledger, [lease.lease])
    if (known.get(lease.lease) === 'open') return
    book.drop(lease.lease)
    closedThere.delete(lease.lease)
    for (const attempt of attempts) booked.delete(attempt)
    await journal.rewrite([...book.records()])
  }

  function wanted() {
    const { policy } = rules.current()
    const { outage, outageAllowanceNano = 1_000_000_000 } = policy.defaults
    if (isEnding || outage !== 'allow' || outageAllowanceNano === 0) return null
    const windows = leaseWindows(policy, outageAllowanceNano, clock.now())
    return { amountNano: outageAllowanceNano, windows, version: policy.version }
  }

  async function take(): Promise<void> {
    const want = wanted()
    if (!want || Date.now() < takeAtMs) return
    const { amountNano, windows, version } = want
    const lease = newLeaseId()
    const keys = windows.map(({ key }) => key)
    await enter({ is: 'lease', lease, windows: keys, amountNano })
    const reply = await store.lease({
      ...{ lease, process: parts.process, policy: version, windows, amountNano },
      ttlMs: LEASE_TTL_MS,
    })
    if (reply.outcome === 'held') {
      mine = { lease, isUsable: false, renewedAtMs: Date.now() }
      return
    }
    if (reply.outcome === 'unavailable' || reply.outcome === 'epoch-changed') throw closedSlot()
    if (reply.outcome === 'stale') await rules.atLeast(reply.policy)
    if (reply.outcome === 'over-budget') {
      complain(`${keys[reply.window]} has too little left`)
      takeAtMs = Date.now() + TAKE_AGAIN_MS
    }
    // The slot said so: it holds nothing.
    book.drop(lease)
    await journal.rewrite([...book.records()])
  }

  /** @returns whether it is still what policy asks for. */
  async function keep(held: NonNullable<typeof mine>): Promise<boolean> {
    const lease = leaseCalled(held.lease)
    const want = wanted()
    if (!lease || lease.isStopped || !want) return false
    if (!held.isUsable) held.isUsable = (await knownLeases(ledger, [held.lease])).has(held.lease)
    await replay(lease)
    const same = want.windows.map(({ key }) => key).join() === lease.windows.join()
    if (lease.calls.size > 0 || want.amountNano !== lease.amountNano || !same) return false
    if (Date.now() - held.renewedAtMs < RENEW_EVERY_MS) return true
    const reply = await store.renew({ attempts: [held.lease], ttlMs: LEASE_TTL_MS })
    if (reply.outcome !== 'renewed' || reply.lost.length > 0) return false
    held.renewedAtMs = Date.now()
    return true
  }

  /** A new life knows what the ledger does: what was told to the one before may have to be told again. */
  function enterLife(): void {
    if (parts.epoch() === life) return
    life = parts.epoch()
    booked.clear()
    closedThere.clear()
    // Nobody holds what neither the slot nor the ledger has.
    if (mine && !mine.isUsable) mine = null
  }

  async function lookAround(): Promise<void> {
    enterLife()
    if (mine && !(await keep(mine))) mine = null
    await tellRows()
    for (const lease of book.leases) if (lease.lease !== mine?.lease) await retire(lease)
    if (!mine && book.leases.every(({ isStopped }) => isStopped)) await take()
    complaint = mine?.isUsable ? '' : complaint
  }

  function complain(reason: string): void {
    if (reason !== complaint) logger.warn({ reason }, 'no allowance for the time without Redis')
    complaint = reason
  }

  function step(): Promise<void> {
    stepping ??= (guard.openSinceMs === null ? lookAround() : Promise.resolve())
      .catch((error: unknown) => {
        const reason = messageOf(error)
        // That Redis is away is told once for all by the guard.
        if (isBursarError(error, 'STORE_UNAVAILABLE'))
          logger.debug({ reason }, 'no allowance taken')
        else complain(reason)
      })
      .finally(() => {
        stepping = null
      })
    return stepping
  }

  const again = () => {
    if (isClosed) return
    timer = setTimeout(() => void step().then(again), STEP_EVERY_MS).unref()
  }
  const deaf = guard.onChange((isAway) => {
    if (!isAway) void step()
  })
  void step().then(again)

  return {
    enter,
    step,
    current() {
      const lease = mine?.isUsable ? leaseCalled(mine.lease) : null
      return lease && !lease.isStopped ? lease : null
    },
    running(attempt) {
      running.add(attempt)
      return () => void running.delete(attempt)
    },
    get rows() {
      return book.rows.length
    },
    get isClean() {
      return book.leases.length === 0 && book.rows.length === 0
    },
    async close() {
      isEnding = true
      isClosed = true
      clearTimeout(timer)
      const untilMs = Date.now() + CLOSE_WITHIN_MS
      do await step()
      while (!isOver() && Date.now() < untilMs && (await pause()))
      deaf()
      await journal.close()
    },
  }

  /** The rest may be done by whoever comes next. */
  function isOver(): boolean {
    const areClosed = book.leases.every(({ lease }) => closedThere.has(lease))
    return guard.openSinceMs !== null || (areClosed && book.rows.length === 0)
  }
}

const pause = (): Promise<true> => new Promise((resolve) => setTimeout(resolve, 100, true))

async function remembered(adopting: Promise<AdoptReply>): Promise<void> {
  const { outcome } = await adopting
  if (outcome !== 'known' && outcome !== 'adopted') throw closedSlot()
}

const forgotten = (call: BookLeaseCommand): Omit<AdoptCommand, 'ledger'> => ({
  attempt: call.attempt,
  job: call.job,
  as: 'unconfirmed',
  costNano: 0,
  ttlMs: LEASE_TTL_MS,
  ...{ rung: 0, capTokens: 0, n: 0 },
  holdNano: call.holdNano,
  atMs: call.atMs,
  windows: call.windows,
  meta: call.meta,
  detail: call.detail,
})

const stateOf = (call: BookLeaseCommand): string => `${call.kind} ${amountOf(call)}`

const closedSlot = (): Error => new Error('the slot is closed, or of another life')
