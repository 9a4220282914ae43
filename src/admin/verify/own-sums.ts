import type { Ledger } from '../../ledger/ledger.ts'
import {
  type Difference,
  entryDifferences,
  postingConflicts,
  savedDifferences,
  windowDifferences,
} from '../../ledger/queries/disagreements.ts'
import { formatUsd } from '../../money/usd.ts'
import type { Findings } from './findings.ts'

export const PAGE_POSTINGS = 5_000

/**
 * The ledger against itself: entries and window totals are the sums of their postings, and what was saved is what
 * somebody had paid.
 * @param onPage - called after each page of postings.
 */
export async function checkOwnSums(
  ledger: Ledger,
  findings: Findings,
  onPage: () => void,
): Promise<void> {
  for await (const page of entryDifferences(ledger, PAGE_POSTINGS)) {
    for (const one of page) findings.add('entry-differs', one.key, foundIn(one))
    onPage()
  }
  for (const one of await windowDifferences(ledger)) {
    findings.add('window-differs', one.key, foundIn(one))
  }
  for (const { key, postedNano, keptNano } of await savedDifferences(ledger)) {
    findings.add('saved-differs', key, `paid ${usd(postedNano)}, saved ${usd(keptNano)}`)
  }
  for (const { attempt, epoch, rev } of await postingConflicts(ledger)) {
    const found = `epoch ${epoch}, rev ${rev}: compare both in ledger_conflicts`
    findings.add('posting-conflict', attempt, found)
  }
}

const foundIn = ({ postedNano, keptNano }: Difference): string =>
  `postings ${usd(postedNano)}, kept ${usd(keptNano)}`

const usd = (nano: number | null): string => (nano === null ? 'none' : formatUsd(nano))
