import type { SlotState } from '../admission/model.ts'
import { BursarError } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { windowDifferences } from '../ledger/queries/disagreements.ts'
import { sumPostings, type WindowSums } from '../ledger/queries/window-sums.ts'
import { formatUsd } from '../money/usd.ts'

const MOST_NAMED = 20

/** Makes the error of the side that was looked at; one line for each difference. */
type Differ = (differences: readonly string[]) => BursarError

/** The folder does not agree with itself, so it is not moved. */
export const folderDiffers: Differ = (differences) =>
  new BursarError(
    'MOVE_DIFFERS',
    `the books in the folder do not agree, so nothing was moved:\n  ${differences.join('\n  ')}\nStart Bursar on the folder and look at bursar verify, or restore the folder from a copy`,
    { detail: { differences } },
  )

/**
 * Adds up the ledger's postings and holds them against the counters, to the last nano-USD.
 * @returns the sums, from which counters are built.
 * @throws {BursarError} MOVE_DIFFERS naming each counter, and each total of the ledger, that the postings do not explain.
 */
export async function compareWindows(
  ledger: Ledger,
  { windows }: SlotState,
  differ: Differ,
): Promise<WindowSums> {
  const sums = await sumPostings(ledger.db)
  const differences = [...windows].flatMap(([key, { spentNano }]) => {
    const posted = sums.get(key)?.spentNano ?? 0
    if (posted === spentNano) return []
    return [`${key}: the counter has ${formatUsd(spentNano)}, the postings ${formatUsd(posted)}`]
  })
  for (const { key } of await windowDifferences(ledger)) {
    differences.push(`${key}: its total is not the sum of its postings`)
  }
  if (differences.length === 0) return sums
  const named = differences.slice(0, MOST_NAMED)
  const more = differences.length - named.length
  throw differ(more > 0 ? [...named, `and ${more} more`] : named)
}
