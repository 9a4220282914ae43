import type { Options } from '../../config/options.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { ledgerSizes } from '../../ledger/queries/disagreements.ts'
import { readSlotRow } from '../../ledger/slot-row.ts'
import type { Output, Progress } from '../output.ts'
import { openLedgerToRead } from '../report/read-ledger.ts'
import { openSlotToRead, type ReadSlot } from '../report/read-slot.ts'
import { type BillCheck, compareBill } from './compare-bill.ts'
import { type CounterCheck, checkCounters } from './counters.ts'
import { Findings } from './findings.ts'
import { checkHolds, type HoldCheck } from './holds.ts'
import { countWaiting, type Waiting } from './outbox.ts'
import { checkOwnSums, PAGE_POSTINGS } from './own-sums.ts'

export interface Verification {
  readonly findings: Findings
  readonly ledger: { readonly entries: number; readonly postings: number; readonly windows: number }
  /** null = there is no open slot to compare with. */
  readonly slot: (CounterCheck & HoldCheck & { readonly waiting: Waiting }) | null
  /** null = no bill was given. */
  readonly bill: BillCheck | null
}

/** Shorter scans are over before a bar would be read. */
const LONG_SCAN_ROWS = 20_000

/**
 * Holds the books against each other: counters, ledger, holds and, when given, the sandbox's bill. Reads only.
 * @throws {BursarError} INVALID_OPTIONS, INVALID_FILE, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export async function verifyBooks(
  options: Options,
  billFile: string | undefined,
  output: Output,
): Promise<Verification> {
  const ledger = await openLedgerToRead(options)
  try {
    const slot = await openSlotToRead(options)
    try {
      return await compareAll(slot, ledger, billFile, output)
    } finally {
      await slot.close()
    }
  } finally {
    await ledger.close()
  }
}

async function compareAll(
  slot: ReadSlot,
  ledger: Ledger,
  billFile: string | undefined,
  output: Output,
): Promise<Verification> {
  const findings = new Findings()
  const sizes = await ledgerSizes(ledger)
  const total = sizes.postings + (billFile === undefined ? 0 : sizes.entries)
  const bar = total < LONG_SCAN_ROWS ? null : output.progress(total)
  try {
    const compared = await compareSlot(slot, ledger, findings)
    let done = 0
    await checkOwnSums(ledger, findings, () => {
      done = Math.min(done + PAGE_POSTINGS, sizes.postings)
      bar?.update(done, 'entries and their postings')
    })
    const bill =
      billFile === undefined
        ? null
        : await compareBill(billFile, slot, ledger, findings, onBill(bar, sizes.postings, total))
    bar?.update(total, '')
    return { findings, ledger: sizes, slot: compared, bill }
  } finally {
    bar?.stop()
  }
}

const onBill = (bar: Progress | null, before: number, total: number) => (rows: number) =>
  bar?.update(Math.min(before + rows, total), 'entries and the bill')

async function compareSlot(slot: ReadSlot, ledger: Ledger, findings: Findings) {
  const [state, row] = [await slot.outbox.slot(), await readSlotRow(ledger)]
  const isNew = row.epoch === 0 && row.watermark === '0'
  if (!state) {
    if (!isNew)
      findings.add('slot-missing', 'slot', `the ledger has read it up to ${row.watermark}`)
    return null
  }
  if (state.epoch !== row.epoch) {
    findings.add(
      'slot-foreign',
      'slot',
      `epoch ${state.epoch} in Redis, ${row.epoch} in the ledger`,
    )
    return null
  }
  const counters = await checkCounters(slot, ledger, findings)
  const holds = await checkHolds(slot, findings)
  const { watermark } = await readSlotRow(ledger)
  return { ...counters, ...holds, waiting: await countWaiting(slot.outbox, watermark) }
}
