import type { Outbox, OutboxEntry } from '../../src/admission/outbox.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { insertPlain } from './plain.ts'
import { usage } from './usage.ts'

/** How long the same entries took, drained and inserted plainly. */
export interface Measured {
  /** Calls that were in the ledger before. */
  readonly at: number
  readonly entries: number
  readonly drainMs: number
  readonly plainMs: number
}

/** What a worker takes at once. */
const BATCH = 500

/** An outbox that has one page. */
const outboxOf = (page: readonly OutboxEntry[]): Outbox => ({
  slot: async () => ({ epoch: 0, acked: '0', trimmed: '0' }),
  read: async () => page,
  acknowledge: async () => 'acknowledged',
})

async function took(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

/** A day of calls of its own, page after page both ways, so that a machine that slows down slows both. */
export async function measure(
  ledger: Ledger,
  options: { at: number; fromMs: number; calls: number; tenants: number },
): Promise<Measured> {
  const { at, ...of } = options
  const all = [...usage({ seed: at + 1, ...of })]
  let [drainMs, plainMs] = [0, 0]
  for (let from = 0; from < all.length; from += BATCH) {
    const page = all.slice(from, from + BATCH)
    drainMs += await took(() => drainOnce(ledger, outboxOf(page), { batch: BATCH }))
    plainMs += await took(() => insertPlain(ledger, page))
  }
  return { at, entries: all.length, drainMs, plainMs }
}
