import { isBursarError, messageOf } from '../../errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { type Dimension, type Report, report } from '../../ledger/queries/report.ts'
import { readSlotRow } from '../../ledger/slot-row.ts'
import type { AdminPlace } from '../command.ts'
import type { ReadSlot } from '../place/read-slot.ts'
import { readRunways } from '../runway/read-runways.ts'
import type { Runway } from '../runway/runway.ts'
import { type BudgetStates, readBudgets } from './budgets.ts'

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
  /** How long the money of those tenants lasts that spend the most, who runs out first first; null like `budgets`. */
  readonly runways: readonly Runway[] | null
  /** Outbox entries that the ledger has not read yet, at most `MOST_WAITING`; null = not known. */
  readonly waiting: number | null
}

export const MOST_WAITING = 1_000

/**
 * Reads the ledger, and the slot as far as it answers: finance gets its report also while Redis is away.
 * @throws {BursarError} INVALID_OPTIONS, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export async function gatherReport(place: AdminPlace, question: ReportQuestion): Promise<Gathered> {
  const { by: groupBy, ...range } = question
  const ledger = await place.ledger()
  const [found, live] = await Promise.all([
    report(ledger, { groupBy, ...range }),
    readLive(place, ledger),
  ])
  return { report: found, ...live }
}

async function readLive(place: AdminPlace, ledger: Ledger): Promise<Omit<Gathered, 'report'>> {
  try {
    const slot = await place.slot()
    const [budgets, waiting] = [await readBudgets(slot), await countWaiting(slot, ledger)]
    return { budgets, waiting, runways: await runwaysOf(place), slotFault: null }
  } catch (error) {
    return { budgets: null, waiting: null, runways: null, slotFault: messageOf(error) }
  }
}

/** A ledger in which no policy ever was has budgets of nobody. */
async function runwaysOf(place: AdminPlace): Promise<readonly Runway[]> {
  try {
    return await readRunways(place, null)
  } catch (error) {
    if (isBursarError(error, 'POLICY_MISSING')) return []
    throw error
  }
}

async function countWaiting({ outbox }: ReadSlot, ledger: Ledger): Promise<number | null> {
  const [row, slot] = [await readSlotRow(ledger), await outbox.slot()]
  if (!slot || slot.epoch !== row.epoch) return null
  return (await outbox.read(row.watermark, MOST_WAITING)).length
}
