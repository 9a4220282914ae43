import { drainOnce } from '../../ledger/drain.ts'
import { slotClosed } from '../../queue/producer.ts'
import type { Runtime } from '../../runtime.ts'

const PAGE_HOLDS = 200
const BATCH = 1_000

/**
 * Ends what dead workers left: every hold runs out, and everything in the outbox goes to the ledger. Only when no
 * worker lives any more.
 * @throws {BursarError} SLOT_CLOSED, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE.
 */
export async function settleDown(runtime: Runtime, holdTtlMs: number): Promise<void> {
  const { clock, store } = runtime
  clock.follow(clock.now() + holdTtlMs + 1)
  for (;;) {
    const reply = await store.expire(PAGE_HOLDS)
    if (reply.outcome !== 'expired') throw slotClosed()
    if (reply.holds.length === 0 && !reply.more) break
  }
  await drainAll(runtime)
}

/** Moves everything from the outbox to the ledger. @throws {BursarError} as `settleDown`. */
export async function drainAll({ ledger, store }: Runtime): Promise<void> {
  for (;;) {
    const { state } = await drainOnce(ledger, store.outbox, { batch: BATCH })
    if (state === 'empty') return
    if (state !== 'drained') throw slotClosed()
  }
}
