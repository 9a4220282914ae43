import { and, eq } from 'drizzle-orm'
import { asking, type Ledger, type LedgerDb } from '../../ledger/ledger.ts'
import { alertDeliveries, alertTries } from '../../ledger/schema.ts'
import type { Sent } from '../channels/types.ts'
import { deliveryOf } from '../tell.ts'
import { pauseAfter } from './backoff.ts'
import type { Claim } from './claim.ts'

export interface FinishParts {
  readonly nowMs: number
  /** Channels that a message may go to instead, those of another kind first. */
  readonly others: readonly string[]
}

/** What follows from a try. */
export type Finished =
  | { readonly state: 'sent' }
  | { readonly state: 'again'; readonly inMs: number }
  /** @param through - the channel that the message goes to instead; null = there is none left. */
  | { readonly state: 'failed'; readonly through: string | null }

/**
 * Writes down how a try ended, and what comes next: nothing, another try, or another channel. One transaction.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export const finishTry = (
  ledger: Ledger,
  id: string,
  claim: Claim,
  sent: Sent,
  { nowMs, others }: FinishParts,
): Promise<Finished> =>
  ledger.transaction(async (tx) => {
    const error = sent.outcome === 'accepted' ? null : sent.error
    await endTry(tx, id, claim.tries, { outcome: sent.outcome, error, endedAtMs: nowMs })
    if (sent.outcome === 'accepted') {
      await update(tx, id, { state: 'sent', endedAtMs: nowMs, lastError: null })
      return { state: 'sent' }
    }
    const pauseMs = sent.forGood ? null : pauseAfter(claim.tries, sent.retryAfterMs)
    if (pauseMs !== null) {
      const dueAtMs = nowMs + pauseMs
      await update(tx, id, { lastError: error, dueAtMs, claimedUntilMs: 0, turnAtMs: null })
      return { state: 'again', inMs: pauseMs }
    }
    await update(tx, id, { state: 'failed', endedAtMs: nowMs, lastError: error })
    return { state: 'failed', through: await sendThrough(tx, id, claim.notice, { nowMs, others }) }
  })

const endTry = (
  tx: LedgerDb,
  delivery: string,
  n: number,
  end: Partial<typeof alertTries.$inferInsert>,
) =>
  asking(() =>
    tx
      .update(alertTries)
      .set(end)
      .where(and(eq(alertTries.delivery, delivery), eq(alertTries.n, n))),
  )

const update = (tx: LedgerDb, id: string, change: Partial<typeof alertDeliveries.$inferInsert>) =>
  asking(() => tx.update(alertDeliveries).set(change).where(eq(alertDeliveries.id, id)))

/** The first channel that has not got this message. */
async function sendThrough(
  tx: LedgerDb,
  failed: string,
  notice: string,
  { nowMs, others }: FinishParts,
): Promise<string | null> {
  for (const channel of others) {
    const row = deliveryOf(notice, channel, { dueAtMs: nowMs, atMs: nowMs, insteadOf: failed })
    const made = await asking(() =>
      tx
        .insert(alertDeliveries)
        .values(row)
        .onConflictDoNothing()
        .returning({ id: alertDeliveries.id }),
    )
    if (made.length > 0) return channel
  }
  return null
}
