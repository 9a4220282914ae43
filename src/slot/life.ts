import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { slotKeys } from '../admission/keys.ts'
import { adoptAll } from '../admission/redis/adopt.ts'
import { createReopener, lookAtSlot, type SlotLook } from '../admission/redis/lives.ts'
import type { BelievedLife } from '../admission/redis/store.ts'
import type { AdmissionStore } from '../admission/store.ts'
import { BursarError, messageOf } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { beat, leave, markReported } from '../ledger/processes.ts'
import { forgetReports, report } from '../ledger/reports.ts'
import { markOpened, readSlotLife, readSlotRow } from '../ledger/slot-row.ts'
import type { PolicyShelf } from '../queue/published-policy.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type AdoptParts, adoptOwed } from './adopt.ts'
import type { Book, Withdrawn } from './book.ts'
import { describeSlot } from './describe.ts'
import { createHandOver } from './intents/hand-over.ts'
import type { Intents } from './intents/intents.ts'
import { newestEntry } from './newest-entry.ts'
import { reopenSlot } from './reopen.ts'

/** One process's part in the lives of the slot. */
export interface Life {
  readonly process: string
  readonly book: Book
  /** The life that this process believes in; a hold granted in an older one must not be sent. */
  epoch(): number
  /** Something found the slot closed or in another life: look at once. Cheap. */
  nudge(): void
  /** Resolves when this process believes in an open slot. @throws {BursarError} SLOT_CLOSED when it never will. */
  open(): Promise<void>
  /** How the slot stands, for people. @throws {BursarError} STORE_UNAVAILABLE, LEDGER_UNAVAILABLE. */
  describe(): Promise<string>
  /** Stops, and leaves if nothing is owed. */
  close(): Promise<void>
}

export interface LifeParts {
  readonly redis: Redis
  readonly prefix: string
  readonly store: Pick<AdmissionStore, 'settle' | 'release' | 'outbox'> & BelievedLife
  readonly ledger: Ledger
  readonly shelf: PolicyShelf
  readonly book: Book
  readonly logger: Logger
  /** What it is, for people. */
  readonly role: string
  /** Its id in the ledger; absent = drawn. */
  readonly process?: string
  /** What it keeps on disk, and what dead processes left there; absent = nothing. */
  readonly intents?: Pick<Intents, 'takeLeft' | 'left' | 'gone' | 'dead' | 'buried'>
  /** How long a hold lives that nobody renews, ms. */
  readonly holdTtlMs: number
  readonly beatMs?: number
  readonly silentAfterMs?: number
}

const BEAT_MS = 10_000
const SILENT_AFTER_MS = 30_000
/** How often the slot is looked at by a process that asks it nothing, and what of the owed the ledger has. */
const LOOK_MS = 1_000
/** How often it is looked whether a process died that kept a journal on this disk. */
const TAKE_LEFT_MS = 5_000
const FIRST_LOOK_MS = 25
const MAX_LOOK_MS = 1_000
const CLOSE_LIMIT_MS = 1_000
/** A third of the time for which the right to reopen is kept. */
const KEEP_CLAIM_MS = 5_000

export function createLife(parts: LifeParts): Life {
  const { redis, prefix, store, ledger, book, logger, holdTtlMs } = parts
  const { intents, process = randomUUID() } = parts
  const place = { redis, prefix }
  let reported = 0
  let withdrawn: Withdrawn[] = []
  let running: Promise<void> | null = null
  let closed = false
  /** Why it cannot go on, told once. */
  let trouble = ''

  async function sayOwed(epoch: number): Promise<void> {
    withdrawn.push(...book.withdraw(epoch))
    await intents?.takeLeft()
    const left = intents?.left().map(({ owed }) => owed) ?? []
    await report(ledger, { process, epoch }, [...book.owed(), ...left])
    reported = epoch
    await bury()
  }

  /** Nobody has to wait for a process whose journal is in these hands. */
  async function bury(): Promise<void> {
    for (const dead of intents?.dead() ?? []) {
      await leave(ledger, dead)
      intents?.buried(dead)
    }
  }

  const adopting = (epoch: () => number): AdoptParts => ({
    ledger,
    holdTtlMs,
    async adopt(page) {
      const caller = { redis, keys: slotKeys(prefix), epoch, nowMs: () => 0 }
      return (await adoptAll(caller, page)) ?? []
    },
    onReply({ attempt }, reply) {
      if (reply.outcome === 'unavailable' || reply.outcome === 'epoch-changed') throw again()
      if (reply.outcome === 'known' || reply.overrunNano === 0) return
      const { overrunNano } = reply
      logger.error({ attempt, overrunNano }, 'an attempt of the life before passes a limit')
    },
  })
  const handOver = intents && createHandOver({ ...adopting(store.epoch), store, intents })

  /** Nobody asked this process: what it owes, it hands to the new life itself. */
  async function adoptAllOwed(epoch: number): Promise<void> {
    withdrawn.push(...book.withdraw(epoch))
    const owed = book.owed()
    await adoptOwed(
      adopting(() => epoch),
      owed,
    )
    await markReported(ledger.db, process, epoch)
    reported = epoch
    if (owed.length > 0) logger.warn({ epoch, owed: owed.length }, 'handed over what was owed')
  }

  async function enter(epoch: number): Promise<void> {
    const row = await readSlotRow(ledger)
    if (row.epoch !== epoch) throw strangers(epoch, row.epoch)
    if (store.epoch() === 0) reported = epoch
    if (reported < epoch) await adoptAllOwed(epoch)
    // First: reports that outlived their life would be held again in the next one.
    await forgetReports(ledger, epoch)
    await markOpened(ledger, epoch)
    store.believe(epoch)
    logger.info({ epoch }, 'the slot is in this life')
    await tellAgain()
  }

  /** Answers that the lost slot had, and holds that nobody will send. Money does not depend on it. */
  async function tellAgain(): Promise<void> {
    const back = withdrawn
    withdrawn = []
    const told = book.toTellAgain().map((command) => store.settle(command))
    const given = back.map((one) => store.release(one))
    for (const end of await Promise.allSettled([...told, ...given])) {
      if (end.status === 'fulfilled') continue
      logger.warn({ reason: messageOf(end.reason) }, 'the end of an attempt was not told again')
    }
  }

  async function tryReopen(slot: SlotLook): Promise<void> {
    const token = randomUUID()
    const claim = createReopener(place, token, 'Redis is empty')
    if ((await claim.take()) !== 'claimed') return
    const keep = setInterval(() => void claim.take().catch(() => {}), KEEP_CLAIM_MS).unref()
    try {
      await reopenSlot(
        {
          ...parts,
          process: parts.role,
          outbox: store.outbox,
          silentAfterMs: parts.silentAfterMs ?? SILENT_AFTER_MS,
          reportOwn: sayOwed,
        },
        slot,
        { ...claim, token },
      )
    } finally {
      clearInterval(keep)
    }
  }

  /** @returns true when this process believes in an open slot. */
  async function turn(): Promise<boolean> {
    const slot = await lookAtSlot(place)
    if (slot.state === 'open') {
      if (slot.epoch !== store.epoch()) await enter(slot.epoch)
      return true
    }
    const row = await readSlotRow(ledger)
    // Of another slot, or emptied: nothing can be made from it.
    if (row.epoch === 0 || row.epoch < store.epoch()) throw emptied(store.epoch(), row.epoch)
    if (row.epoch > reported && row.epoch > store.epoch()) await sayOwed(row.epoch)
    if (slot.state === 'missing' || slot.lost !== null) await tryReopen(slot)
    return false
  }

  async function untilOpen(): Promise<void> {
    let told = ''
    for (let delayMs = FIRST_LOOK_MS; !closed; delayMs = Math.min(delayMs * 2, MAX_LOOK_MS)) {
      try {
        if (await turn()) return
      } catch (error) {
        if (!(error instanceof BursarError) || !error.retryable) throw error
        const reason = messageOf(error)
        if (reason !== told) logger.warn({ reason }, 'the slot is not open yet')
        told = reason
      }
      await pause(delayMs)
    }
  }

  function look(): Promise<void> {
    running ??= untilOpen().finally(() => {
      running = null
    })
    return running
  }

  const inBackground = () => {
    look().then(
      () => {
        trouble = ''
        void lookAfterDead()
      },
      (error: unknown) => {
        const reason = messageOf(error)
        if (reason !== trouble) logger.error({ reason }, 'this process cannot go on with the slot')
        trouble = reason
      },
    )
  }

  let takeAtMs = 0
  let looking: Promise<void> | null = null

  /** The slot is open: what processes left that died on this machine goes its way. */
  function lookAfterDead(): Promise<void> {
    if (!intents || closed) return Promise.resolve()
    looking ??= lookNow()
      .catch((error: unknown) => {
        logger.warn({ reason: messageOf(error) }, 'what dead processes left is handed over later')
      })
      .finally(() => {
        looking = null
      })
    return looking
  }
  async function lookNow(): Promise<void> {
    const isDue = Date.now() >= takeAtMs
    if (isDue) {
      takeAtMs = Date.now() + TAKE_LEFT_MS
      await intents?.takeLeft()
      await bury()
    }
    await handOver?.step(store.epoch())
  }

  async function beatNow(): Promise<void> {
    await beat(ledger, { id: process, role: parts.role, reportedEpoch: reported })
  }

  const timers = [
    setInterval(() => {
      beatNow().catch((error: unknown) => {
        logger.warn({ reason: messageOf(error) }, 'no beat: PostgreSQL does not answer')
      })
    }, parts.beatMs ?? BEAT_MS).unref(),
    setInterval(() => {
      inBackground()
      if (book.waits) void prune().catch(() => {})
    }, LOOK_MS).unref(),
  ]

  async function prune(): Promise<void> {
    const newest = await newestEntry(place)
    const slot = await store.outbox.slot()
    if (slot === null || slot.epoch !== store.epoch()) return
    book.upTo(newest ?? slot.acked)
    book.acked(slot.acked)
  }

  return {
    process,
    book,
    epoch: () => store.epoch(),
    nudge: inBackground,
    async open() {
      await beatNow()
      await look()
    },
    describe: async () => describeSlot(await lookAtSlot(place), await readSlotLife(ledger)),
    async close() {
      closed = true
      for (const timer of timers) clearInterval(timer)
      // A reopening may wait for others; whoever comes next goes on with it.
      const ending = Promise.all([running?.catch(() => {}), looking])
      await Promise.race([ending, pause(CLOSE_LIMIT_MS)])
      if (book.size === 0) await leave(ledger, process).catch(() => {})
    },
  }
}

const again = (): BursarError =>
  new BursarError('SLOT_CLOSED', 'the slot was lost again while it was entered', {
    retryable: true,
  })

const emptied = (believed: number, ledgerEpoch: number): BursarError =>
  new BursarError(
    'SLOT_CLOSED',
    `the slot is missing, and the ledger knows no life of it since ${believed} (it is at ${ledgerEpoch}): it was emptied, or DATABASE_URL names another one. Restore it; or, to start afresh, empty Redis too and start again`,
    { detail: { believed, ledgerEpoch } },
  )

const strangers = (slotEpoch: number, ledgerEpoch: number): BursarError =>
  new BursarError(
    'SLOT_CLOSED',
    `the slot (epoch ${slotEpoch}) and the ledger (epoch ${ledgerEpoch}) do not belong together: point REDIS_URL, BURSAR_PREFIX and DATABASE_URL at the ones that ran together`,
    { detail: { slotEpoch, ledgerEpoch } },
  )
