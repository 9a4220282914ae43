import type { AdoptCommand, AdoptReply } from '../admission/adopt-command.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { wordsOf } from '../ledger/queries/words-of.ts'
import type { OwedAttempt } from '../ledger/reports.ts'

/** One script stays within a few milliseconds of Redis. */
const PAGE_ATTEMPTS = 64

export interface AdoptParts {
  readonly ledger: Pick<Ledger, 'db'>
  /** How long a hold lives that nobody renews, ms. */
  readonly holdTtlMs: number
  readonly adopt: (commands: readonly AdoptCommand[]) => Promise<readonly AdoptReply[]>
  readonly onReply?: (command: AdoptCommand, reply: AdoptReply) => void
}

/**
 * Hands attempts to a slot that has lost them. The ledger is asked first: what it has is not booked again. Again is
 * harmless. (PROTOCOL 3.10)
 * @throws {BursarError} LEDGER_UNAVAILABLE, and what `adopt` throws.
 */
export async function adoptOwed(
  { ledger, holdTtlMs, adopt, onReply }: AdoptParts,
  owed: readonly OwedAttempt[],
): Promise<void> {
  for (let at = 0; at < owed.length; at += PAGE_ATTEMPTS) {
    const page = owed.slice(at, at + PAGE_ATTEMPTS)
    const words = await wordsOf(
      ledger,
      page.map(({ attempt }) => attempt),
    )
    const commands = page.map((one) => ({
      ...one,
      ledger: words.get(one.attempt) ?? null,
      ttlMs: holdTtlMs,
    }))
    const replies = await adopt(commands)
    commands.forEach((command, i) => {
      const reply = replies[i]
      if (reply) onReply?.(command, reply)
    })
  }
}
