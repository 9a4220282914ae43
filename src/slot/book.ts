import type { SettleCommand } from '../admission/commands.ts'
import type { Hold } from '../admission/hold.ts'
import { compareOutboxIds } from '../admission/outbox.ts'
import { Passing } from '../collections/passing.ts'
import type { OwedAttempt } from '../ledger/reports.ts'

/**
 * What this process owes: every attempt that it was granted, until the ledger shows what became of it. Memory alone, so
 * nothing here waits. Bounded by what is under way and what nobody has drained.
 */
export interface Book {
  readonly size: number
  /** Tells from now on how many attempts are owed, after each change. */
  watch(listener: (size: number) => void): void
  /**
   * A hold was granted by a command that this process sent in life `epoch`.
   * @param meta - AttemptMeta as JSON.
   * @returns false when a newer life has been reported since: the hold was withdrawn, and must be given back.
   */
  granted(hold: Hold, meta: string, epoch: number): boolean
  /** Its outcome is known here, from now on. */
  known(command: SettleCommand): void
  /** The slot has booked it. */
  landed(attempt: string): void
  /** Nothing was sent, and nothing is owed. */
  dropped(attempt: string): void
  /** Withdraws what was not sent of lives before `epoch`, for ever. @returns what was, to be given back. */
  withdraw(epoch: number): readonly Withdrawn[]
  /** Ids of all that the slot must have, oldest first. */
  attempts(): readonly string[]
  /** All that is owed. */
  owed(): readonly OwedAttempt[]
  /** What the slot had booked in the life before: to be told again. */
  toTellAgain(): readonly SettleCommand[]
  /** Whether something that has landed waits for the ledger. */
  readonly waits: boolean
  /** Everything that has landed so far is at or before this outbox id. */
  upTo(newest: string): void
  /** The ledger has everything up to this outbox id. */
  acked(watermark: string): void
}

export interface Withdrawn {
  readonly attempt: string
  readonly job: string
}

interface Entry {
  readonly hold: Hold | null
  readonly meta: string
  readonly epoch: number
  command: SettleCommand | null
  landed: boolean
  /** Its posting is at or before this id; null = nobody has looked since it landed. */
  upTo: string | null
}

/** Beyond so many undrained settlements only their money is kept: their answers are in the slot's results. */
const MOST_WHOLE = 2_000

/** @param onGone - told of each attempt for which nothing is owed any more. */
export function createBook(onGone: (attempt: string) => void = () => {}): Book {
  let onSize: (size: number) => void = () => {}
  const entries = new Passing<Entry>()
  let floor = 0
  let undrained = 0

  const drop = (attempt: string) => {
    const gone = entries.delete(attempt)
    if (!gone) return
    if (gone.landed) undrained -= 1
    onSize(entries.size)
    onGone(attempt)
  }

  return {
    get size() {
      return entries.size
    },
    watch(listener) {
      onSize = listener
    },
    granted(hold, meta, epoch) {
      if (epoch < floor) {
        hold.withdraw()
        return false
      }
      entries.set(hold.attemptId, { hold, meta, epoch, command: null, landed: false, upTo: null })
      onSize(entries.size)
      return true
    },
    known(command) {
      const entry = entries.get(command.attempt)
      if (entry) entry.command = command
      else {
        const { meta } = command
        const orphan = { hold: null, meta, epoch: floor, landed: false, upTo: null }
        entries.set(command.attempt, { ...orphan, command })
        onSize(entries.size)
      }
    },
    landed(attempt) {
      const entry = entries.get(attempt)
      if (!entry || entry.landed) return
      entry.landed = true
      entry.upTo = null
      undrained += 1
      if (undrained > MOST_WHOLE && entry.command) entry.command = moneyOf(entry.command)
    },
    dropped: drop,
    withdraw(epoch) {
      floor = Math.max(floor, epoch)
      const withdrawn: Withdrawn[] = []
      for (const [attempt, { hold, command, epoch: granted }] of entries) {
        if (granted >= epoch || command || !hold?.withdraw()) continue
        withdrawn.push({ attempt, job: hold.terms.job })
        drop(attempt)
      }
      return withdrawn
    },
    attempts: () => [...entries].flatMap(([id, { epoch }]) => (epoch >= floor ? [id] : [])),
    owed: () => [...entries.values()].flatMap(owedFor),
    toTellAgain() {
      const again: SettleCommand[] = []
      for (const entry of entries.values()) {
        entry.upTo = null
        if (entry.landed && entry.command) again.push(entry.command)
      }
      return again
    },
    get waits() {
      return undrained > 0
    },
    upTo(newest) {
      for (const entry of entries.values()) if (entry.landed) entry.upTo ??= newest
    },
    acked(watermark) {
      for (const [attempt, { landed, upTo }] of entries) {
        if (landed && upTo !== null && compareOutboxIds(upTo, watermark) <= 0) drop(attempt)
      }
    },
  }
}

const moneyOf = (command: SettleCommand): SettleCommand => ({
  ...command,
  conclusion: null,
  cache: null,
})

/** Nothing for a hold that was not sent: it is withdrawn, not owed. */
function owedFor({ hold, meta, command }: Entry): OwedAttempt[] {
  const terms = hold?.terms
  if (command) {
    const { attempt, job, kind, costNano, atMs, holdNano, windows, detail } = command
    const { rung = 0, capTokens = 0, n = 0 } = terms ?? {}
    const known = { attempt, job, as: kind, costNano, atMs, holdNano, windows, detail }
    return [{ ...known, rung, capTokens, n, meta: meta || command.meta }]
  }
  return hold?.sent ? [heldAttempt(hold, meta)] : []
}

/** What is owed for a hold of which no end is known. @param meta - AttemptMeta as JSON. */
export function heldAttempt({ terms }: Hold, meta: string): OwedAttempt {
  const { attemptId: attempt, job, rung, holdNano, capTokens, n, atMs, windows } = terms
  const held = { attempt, job, as: 'held', costNano: 0, holdNano, atMs, windows } as const
  return { ...held, rung, capTokens, n, meta, detail: '' }
}
