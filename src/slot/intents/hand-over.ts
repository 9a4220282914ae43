import type { AdoptCommand, AdoptReply, LedgerWord } from '../../admission/adopt-command.ts'
import type { SettleCommand } from '../../admission/commands.ts'
import type { AdmissionStore } from '../../admission/store.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { wordsOf } from '../../ledger/queries/words-of.ts'
import type { OwedAttempt } from '../../ledger/reports.ts'
import { adoptOwed } from '../adopt.ts'
import type { Intents } from './intents.ts'

export interface HandOverParts {
  readonly intents: Pick<Intents, 'left' | 'gone'>
  readonly ledger: Pick<Ledger, 'db'>
  readonly store: Pick<AdmissionStore, 'settle'>
  /** How long a hold lives that nobody renews, ms. */
  readonly holdTtlMs: number
  /** @throws {BursarError} SLOT_CLOSED when the slot is not open, or of another life. */
  readonly adopt: (commands: readonly AdoptCommand[]) => Promise<readonly AdoptReply[]>
  readonly onReply?: (command: AdoptCommand, reply: AdoptReply) => void
}

/** Brings what dead processes left on this disk into the books. */
export interface HandOver {
  /**
   * Tells the slot of a life what it was not told, and forgets what the ledger has. Again is harmless.
   * @throws {BursarError} SLOT_CLOSED, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE: the rest is for the next time.
   */
  step(epoch: number): Promise<void>
}

export function createHandOver(parts: HandOverParts): HandOver {
  const { intents, ledger, store } = parts
  /** Attempt -> the life that was told. */
  const told = new Map<string, number>()

  async function tell(owed: readonly OwedAttempt[], epoch: number): Promise<void> {
    const there = new Set<string>()
    await adoptOwed(
      {
        ...parts,
        onReply(command, reply) {
          parts.onReply?.(command, reply)
          if (reply.outcome === 'known') there.add(command.attempt)
        },
      },
      owed,
    )
    for (const one of owed) {
      // A slot that never lost it has the hold still, or booked it whole when that ran out.
      const isLate = there.has(one.attempt) && one.as === 'settled'
      const reply = isLate ? await store.settle(settlementOf(one)) : null
      if (reply?.outcome === 'unavailable' || reply?.outcome === 'epoch-changed') return
      told.set(one.attempt, epoch)
    }
  }

  return {
    async step(epoch) {
      const owed = intents.left().map((one) => one.owed)
      if (owed.length === 0) return
      const words = await wordsOf(
        ledger,
        owed.map(({ attempt }) => attempt),
      )
      const open = owed.filter((one) => !isBooked(one, words.get(one.attempt)))
      await tell(
        open.filter(({ attempt }) => told.get(attempt) !== epoch),
        epoch,
      )
      const due = new Set(open)
      for (const one of owed) {
        if (due.has(one)) continue
        intents.gone(one.attempt)
        told.delete(one.attempt)
      }
    },
  }
}

/** The ledger has it, and nobody knows better. */
function isBooked({ as }: OwedAttempt, word: LedgerWord | undefined): boolean {
  if (word === undefined) return false
  return word.state === 'S' || as !== 'settled'
}

const settlementOf = (owed: OwedAttempt): SettleCommand => ({
  attempt: owed.attempt,
  job: owed.job,
  kind: 'settled',
  costNano: owed.costNano,
  atMs: owed.atMs,
  holdNano: owed.holdNano,
  windows: owed.windows,
  // What was taken from limits stays taken: their minutes are over.
  tokens: null,
  meta: owed.meta,
  detail: owed.detail,
  conclusion: null,
  cache: null,
  gate: null,
})
