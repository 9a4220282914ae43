import type { AdmissionStore } from '../../admission/store.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { type Entry, listEntries } from '../../ledger/queries/list-entries.ts'
import { slotClosed } from '../../queue/producer.ts'
import { type BilledCall, billByAttempt } from '../traffic/bill.ts'

const PAGE = 1_000

/**
 * Does what reconciliation does with a late bill. When a provider bills above a hold and nobody lives to see it, the
 * entry is unconfirmed at its whole hold, which is too little: it is settled at the bill, and the rest is a named
 * overrun. An entry that was booked below its hold is no such case: it stays, for the judge to find.
 * @returns how many entries were corrected; they are in the outbox.
 * @throws {BursarError} SLOT_CLOSED, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE.
 */
export async function correctOverbilled(
  { store, ledger }: { store: Pick<AdmissionStore, 'settle'>; ledger: Ledger },
  bill: readonly BilledCall[],
): Promise<number> {
  const billed = billByAttempt(bill)
  const overbilled: Entry[] = []
  for await (const entry of unconfirmedEntries(ledger)) {
    const { attempt, costNano, holdNano } = entry
    if (costNano === holdNano && (billed.get(attempt) ?? 0) > holdNano) overbilled.push(entry)
  }
  for (const entry of overbilled) {
    const { attempt, job, admittedAtMs: atMs, holdNano, windows } = entry
    const reply = await store.settle({
      ...{ attempt, job, atMs, holdNano, windows },
      kind: 'settled',
      costNano: billed.get(attempt) ?? 0,
      tokens: null,
      // The ledger has both from the hold.
      meta: '',
      detail: '',
      conclusion: null,
      cache: null,
      gate: null,
    })
    if (reply.outcome === 'unavailable' || reply.outcome === 'epoch-changed') throw slotClosed()
  }
  return overbilled.length
}

async function* unconfirmedEntries(ledger: Ledger): AsyncGenerator<Entry, void> {
  for (let after: string | null = null; ; ) {
    const page: Awaited<ReturnType<typeof listEntries>> = await listEntries(
      ledger,
      { status: 'unconfirmed' },
      { limit: PAGE, ...(after === null ? {} : { after }) },
    )
    yield* page.entries
    after = page.next
    if (after === null) return
  }
}
