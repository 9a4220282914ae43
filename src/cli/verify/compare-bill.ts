import type { PostingEntry } from '../../admission/outbox.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import {
  type AttemptBooking,
  attemptBookings,
  bookingsOf,
} from '../../ledger/queries/attempt-bookings.ts'
import { readSlotRow } from '../../ledger/slot-row.ts'
import { addNano, type Nano } from '../../money/nano.ts'
import { formatUsd } from '../../money/usd.ts'
import type { ReadSlot } from '../report/read-slot.ts'
import { type Billed, readBill } from './bill.ts'
import type { Findings } from './findings.ts'
import { waitingPostings } from './outbox.ts'

/** How bill and ledger compare; money in nano-USD. */
export interface BillCheck {
  readonly calls: number
  readonly billedNano: Nano
  /** Booked in the ledger, for all attempts. */
  readonly bookedNano: Nano
  /** Attempts booked at exactly what was billed. */
  readonly equal: number
  /** Booked whole because nobody knew the outcome, and what of that was billed. */
  readonly unconfirmed: {
    readonly attempts: number
    readonly bookedNano: Nano
    readonly billedNano: Nano
  }
  /** Attempts that were billed above their hold; the first 1,000 by name. */
  readonly overruns: readonly { readonly attempt: string; readonly overrunNano: Nano }[]
  /** Billed, and still held: their settlement is on its way. */
  readonly pending: number
}

type Booking = Pick<AttemptBooking, 'attempt' | 'bookedNano' | 'status' | 'overrunNano'>
type Bill = Map<string, Billed>

const MOST_NAMED = 1_000
const PAGE_ATTEMPTS = 1_000
const SCAN_PAGE = 1_000

/**
 * Every billed attempt is booked at its cost. More may be booked only where the outcome was unknown (`unconfirmed`) or
 * the bill passed the hold (`overrun`); less, never. The bill is in memory, the ledger passes by page by page.
 * @param onRows - called with how many entries were compared so far.
 * @throws {BursarError} INVALID_FILE, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE.
 */
export async function compareBill(
  file: string,
  slot: ReadSlot,
  ledger: Ledger,
  findings: Findings,
  onRows: (rows: number) => void,
): Promise<BillCheck> {
  const { bill, ...sums } = await loadBill(file, findings)
  const comparison = new Comparison(findings)
  const unbilled: Booking[] = []
  let rows = 0
  for await (const booking of attemptBookings(ledger)) {
    const billed = bill.get(booking.attempt)
    bill.delete(booking.attempt)
    if (billed || !needsBill(booking)) comparison.judge(booking, billed?.nano ?? 0)
    else if (unbilled.length < MOST_NAMED) unbilled.push(booking)
    rows += 1
    if (rows % SCAN_PAGE === 0) onRows(rows)
  }
  const pending = await judgeUnseen(bill, slot, ledger, comparison, findings)
  await judgeUnbilled(file, unbilled, comparison, findings)
  return { ...sums, ...comparison.result(), pending }
}

/** Nothing but a confirmed cost has to be on the bill. */
const needsBill = ({ status, bookedNano }: Booking): boolean =>
  status === 'confirmed' && bookedNano > 0

async function loadBill(file: string, findings: Findings) {
  const bill: Bill = new Map()
  let calls = 0
  let billedNano = 0
  for await (const { id, nano, attempt } of readBill(file)) {
    calls += 1
    billedNano = addNano(billedNano, nano)
    if (attempt === '') {
      findings.add('bill-unnamed', id, `billed ${formatUsd(nano)}`)
      continue
    }
    const known = bill.get(attempt)
    bill.set(attempt, { nano: (known?.nano ?? 0) + nano, calls: (known?.calls ?? 0) + 1 })
  }
  for (const [attempt, { nano, calls: times }] of bill) {
    if (times > 1) {
      findings.add('bill-doubled', attempt, `billed ${times} times, ${formatUsd(nano)} in all`)
    }
  }
  return { bill, calls, billedNano }
}

/** Adds up one comparison and names what is wrong in it. */
class Comparison {
  readonly #findings: Findings
  readonly #overruns: { attempt: string; overrunNano: Nano }[] = []
  readonly #unconfirmed = { attempts: 0, bookedNano: 0, billedNano: 0 }
  #bookedNano = 0
  #equal = 0

  constructor(findings: Findings) {
    this.#findings = findings
  }

  judge({ attempt, bookedNano, status, overrunNano }: Booking, billedNano: Nano): void {
    this.#bookedNano = addNano(this.#bookedNano, bookedNano)
    const found = `billed ${formatUsd(billedNano)}, booked ${formatUsd(bookedNano)}, ${status}`
    if (overrunNano > 0 && this.#overruns.length < MOST_NAMED) {
      this.#overruns.push({ attempt, overrunNano })
    }
    if (bookedNano < billedNano) this.#findings.add('below-bill', attempt, found)
    else if (status === 'unconfirmed') this.#addUnconfirmed(bookedNano, billedNano)
    else if (bookedNano === billedNano) this.#equal += 1
    else if (overrunNano === 0) this.#findings.add('above-bill', attempt, found)
  }

  #addUnconfirmed(bookedNano: Nano, billedNano: Nano): void {
    this.#unconfirmed.attempts += 1
    this.#unconfirmed.bookedNano += bookedNano
    this.#unconfirmed.billedNano += billedNano
  }

  result() {
    return {
      bookedNano: this.#bookedNano,
      equal: this.#equal,
      unconfirmed: this.#unconfirmed,
      overruns: this.#overruns,
    }
  }
}

/**
 * What is on the bill and was not in the ledger as it passed by: still held, or in the outbox, or drained meanwhile.
 * Asked in the order in which an attempt moves, so that none slips through.
 * @returns how many are still held.
 */
async function judgeUnseen(
  bill: Bill,
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
    comparison.judge(booking, bill.get(booking.attempt)?.nano ?? 0)
    bill.delete(booking.attempt)
  }
  const { watermark } = await readSlotRow(ledger)
  const waiting = await waitingPostings(slot.outbox, watermark, new Set(bill.keys()))
  for (const posting of waiting.values()) settle(bookingOf(posting))
  for (const page of pagesOf([...bill.keys()])) {
    for (const booking of await bookingsOf(ledger, page)) settle(booking)
  }
  for (const [attempt, { nano }] of bill) {
    findings.add('bill-lost', attempt, `billed ${formatUsd(nano)}`)
  }
  return held.size
}

const STATUS = {
  settled: 'confirmed',
  adjustment: 'confirmed',
  unconfirmed: 'unconfirmed',
  released: 'released',
} as const satisfies Record<PostingEntry['kind'], Booking['status']>

const bookingOf = ({ attempt, bookedNano, kind, overrunNano }: PostingEntry): Booking => ({
  attempt,
  bookedNano,
  overrunNano,
  status: STATUS[kind],
})

/** A call that ended after the bill was read is on it now. */
async function judgeUnbilled(
  file: string,
  unbilled: readonly Booking[],
  comparison: Comparison,
  findings: Findings,
): Promise<void> {
  if (unbilled.length === 0) return
  const wanted = new Map(unbilled.map((booking) => [booking.attempt, booking]))
  for await (const { attempt, nano } of readBill(file)) {
    const booking = wanted.get(attempt)
    if (booking) comparison.judge(booking, nano)
    wanted.delete(attempt)
  }
  for (const { attempt, bookedNano } of wanted.values()) {
    findings.add('not-billed', attempt, `booked ${formatUsd(bookedNano)}`)
  }
}

function* pagesOf(attempts: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < attempts.length; at += PAGE_ATTEMPTS) {
    yield attempts.slice(at, at + PAGE_ATTEMPTS)
  }
}
