import { z } from 'zod'
import type { PostingEntry } from '../../admission/outbox.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { attemptBookings, bookingsOf } from '../../ledger/queries/attempt-bookings.ts'
import { readSlotRow } from '../../ledger/slot-row.ts'
import type { Nano } from '../../money/nano.ts'
import { formatUsd } from '../../money/usd.ts'
import type { ReadSlot } from '../place/read-slot.ts'
import { type BillSums, byAttempt } from './bill-sums.ts'
import { type Booking, BookingSchema, Comparison, ComparisonSchema } from './comparison.ts'
import type { Findings } from './findings.ts'
import { waitingPostings } from './outbox.ts'

const count = z.int().min(0)

/** How bill and ledger compare; money in nano-USD. */
export const BillCheckSchema = ComparisonSchema.extend({
  calls: count,
  billedNano: z.int(),
  /** Billed, and still held: their settlement is on its way. */
  pending: count,
  /** Confirmed costs that the bill had not when it was read, at most 1,000: whoever has the bill looks again. */
  unbilled: z.array(BookingSchema).readonly(),
})
export type BillCheck = Readonly<z.infer<typeof BillCheckSchema>>

const MOST_NAMED = 1_000
const PAGE_ATTEMPTS = 1_000
const SCAN_PAGE = 1_000

/**
 * Every billed attempt is booked at its cost. More may be booked only where the outcome was unknown (`unconfirmed`) or
 * the bill passed the hold (`overrun`); less, never. The bill is in memory, the ledger passes by page by page.
 * @param onRows - called with how many entries were compared so far.
 * @throws {BursarError} STORE_UNAVAILABLE, LEDGER_UNAVAILABLE.
 */
export async function compareBill(
  sums: BillSums,
  slot: ReadSlot,
  ledger: Ledger,
  findings: Findings,
  onRows: (rows: number) => void,
): Promise<BillCheck> {
  const bill = byAttempt(sums)
  nameOddCalls(sums, findings)
  const comparison = new Comparison(findings)
  const unbilled: Booking[] = []
  let rows = 0
  for await (const booking of attemptBookings(ledger)) {
    const billedNano = bill.get(booking.attempt)
    bill.delete(booking.attempt)
    if (billedNano !== undefined || !needsBill(booking)) comparison.judge(booking, billedNano ?? 0)
    else if (unbilled.length < MOST_NAMED) unbilled.push(BookingSchema.parse(booking))
    rows += 1
    if (rows % SCAN_PAGE === 0) onRows(rows)
  }
  const pending = await judgeUnseen(bill, slot, ledger, comparison, findings)
  const { calls, billedNano } = sums
  return { calls, billedNano, ...comparison.result(), pending, unbilled }
}

/** Nothing but a confirmed cost has to be on the bill. */
const needsBill = ({ status, bookedNano }: Booking): boolean =>
  status === 'confirmed' && bookedNano > 0

function nameOddCalls({ unnamed, attempts }: BillSums, findings: Findings): void {
  for (const { id, nano } of unnamed) findings.add('bill-unnamed', id, `billed ${formatUsd(nano)}`)
  for (const [attempt, nano, times] of attempts) {
    if (times < 2) continue
    findings.add('bill-doubled', attempt, `billed ${times} times, ${formatUsd(nano)} in all`)
  }
}

/**
 * What is on the bill and was not in the ledger as it passed by: still held, or in the outbox, or drained meanwhile.
 * Asked in the order in which an attempt moves, so that none slips through.
 * @returns how many are still held.
 */
async function judgeUnseen(
  bill: Map<string, Nano>,
  slot: ReadSlot,
  ledger: Ledger,
  comparison: Comparison,
  findings: Findings,
): Promise<number> {
  const held = new Set<string>()
  for (const page of pagesOf([...bill.keys()])) {
    for (const attempt of await slot.held(page)) held.add(attempt)
  }
  for (const attempt of held) bill.delete(attempt)
  const settle = (booking: Booking) => {
    comparison.judge(booking, bill.get(booking.attempt) ?? 0)
    bill.delete(booking.attempt)
  }
  const { watermark } = await readSlotRow(ledger)
  const waiting = await waitingPostings(slot.outbox, watermark, new Set(bill.keys()))
  for (const posting of waiting.values()) settle(bookingOf(posting))
  for (const page of pagesOf([...bill.keys()])) {
    for (const booking of await bookingsOf(ledger, page)) settle(booking)
  }
  for (const [attempt, nano] of bill) {
    findings.add('bill-lost', attempt, `billed ${formatUsd(nano)}`)
  }
  return held.size
}

const STATUS = {
  settled: 'confirmed',
  adjustment: 'confirmed',
  unconfirmed: 'unconfirmed',
  released: 'released',
  // Nothing was called.
  lease: 'released',
} as const satisfies Record<PostingEntry['kind'], Booking['status']>

const bookingOf = ({ attempt, bookedNano, kind, overrunNano }: PostingEntry): Booking => ({
  attempt,
  bookedNano,
  overrunNano,
  status: STATUS[kind],
})

function* pagesOf(attempts: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < attempts.length; at += PAGE_ATTEMPTS) {
    yield attempts.slice(at, at + PAGE_ATTEMPTS)
  }
}
