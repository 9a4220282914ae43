import type { Options } from '../../config/options.ts'
import { messageOf } from '../../errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { type Dimension, type Report, report } from '../../ledger/queries/report.ts'
import { readSlotRow } from '../../ledger/slot-row.ts'
import { type BudgetStates, readBudgets } from './budgets.ts'
import { openLedgerToRead } from './read-ledger.ts'
import { openSlotToRead, type ReadSlot } from './read-slot.ts'

/** What to report on; times in UTC ms, `fromMs` included and `toMs` not, absent = without end. */
export interface ReportQuestion {
  readonly by: Dimension
  readonly fromMs?: number
  readonly toMs?: number
}

export interface Gathered {
  readonly report: Report
  /** null = Redis could not be asked; `slotFault` says why. */
  readonly budgets: BudgetStates | null
  readonly slotFault: string | null
  /** Outbox entries that the ledger has not read yet, at most `MOST_WAITING`; null = not known. */
  readonly waiting: number | null
}

export const MOST_WAITING = 1_000

/**
 * Reads the ledger, and the slot as far as it answers: finance gets its report also while Redis is away.
 * @throws {BursarError} INVALID_OPTIONS, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export async function gatherReport(options: Options, question: ReportQuestion): Promise<Gathered> {
  const { by: groupBy, ...range } = question
  const ledger = await openLedgerToRead(options)
  try {
    const [found, live] = await Promise.all([
      report(ledger, { groupBy, ...range }),
      readLive(options, ledger),
    ])
    return { report: found, ...live }
  } finally {
    await ledger.close()
  }
}

async function readLive(options: Options, ledger: Ledger): Promise<Omit<Gathered, 'report'>> {
  let slot: ReadSlot | undefined
  try {
    slot = await openSlotToRead(options)
    const [budgets, waiting] = [await readBudgets(slot), await countWaiting(slot, ledger)]
    return { budgets, waiting, slotFault: null }
  } catch (error) {
    return { budgets: null, waiting: null, slotFault: messageOf(error) }
  } finally {
    await slot?.close()
  }
}

async function countWaiting({ outbox }: ReadSlot, ledger: Ledger): Promise<number | null> {
  const [row, slot] = [await readSlotRow(ledger), await outbox.slot()]
  if (!slot || slot.epoch !== row.epoch) return null
  return (await outbox.read(row.watermark, MOST_WAITING)).length
}
