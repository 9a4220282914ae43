import type { WindowState } from '../../admission/commands.ts'
import type { Nano } from '../../money/nano.ts'
import { billByAttempt } from './bill.ts'
import { type Difference, difference, type Evidence } from './evidence.ts'

type WindowEvidence = Pick<Evidence, 'entries' | 'bill' | 'windows' | 'counters' | 'spentNano'>

/** What was spent above the limit of one window, apart from overruns that the ledger names. */
interface Overspend {
  readonly key: string
  readonly nano: Nano
}

/** Law 1 at each window: neither what was billed nor what was counted passes the limit, but for named overruns. */
export function overspends({ entries, bill, windows }: WindowEvidence): Overspend[] {
  const billed = billByAttempt(bill)
  const billedIn = new Map<string, Nano>()
  const overrunIn = new Map<string, Nano>()
  for (const { attempt, overrunNano, windows: keys } of entries) {
    for (const key of keys) {
      billedIn.set(key, (billedIn.get(key) ?? 0) + (billed.get(attempt) ?? 0))
      overrunIn.set(key, (overrunIn.get(key) ?? 0) + overrunNano)
    }
  }
  return windows.flatMap(({ key, limitNano, spentNano, warnOnly }) => {
    if (warnOnly) return []
    const allowed = limitNano + (overrunIn.get(key) ?? 0)
    const nano = Math.max(billedIn.get(key) ?? 0, spentNano) - allowed
    return nano > 0 ? [{ key, nano }] : []
  })
}

/** Money still held, summed over all windows: a hold counts in each window of its chain. */
export const heldIn = (windows: readonly WindowState[]): Nano =>
  windows.reduce((sum, { heldNano }) => sum + heldNano, 0)

/** Nothing stays held, nothing is overspent, and the counters are what the ledger adds up to. */
export function judgeWindows(evidence: WindowEvidence): Difference[] {
  const { windows, counters, entries, spentNano } = evidence
  const held = windows.filter(({ heldNano }) => heldNano !== 0)
  const ledgerNano = entries.reduce((sum, { costNano }) => sum + costNano, 0)
  const differing = counters?.differing ?? []
  const known = new Set(windows.map(({ key }) => key))
  const uncounted = new Set(
    entries.flatMap((entry) => entry.windows.filter((key) => !known.has(key))),
  )
  return [
    ...difference(
      'windows that still hold money',
      held.map(({ key, heldNano }) => `${key}: ${heldNano}`),
    ),
    ...difference(
      'windows overspent',
      overspends(evidence).map(({ key, nano }) => `${key}: ${nano} above its limit`),
    ),
    ...difference(
      'counters that differ from the ledger',
      differing.map((one) => `${one.key}: counter ${one.counterNano}, ledger ${one.ledgerNano}`),
    ),
    ...difference('windows of the ledger without a counter', [...uncounted]),
    ...difference(
      'counters that could not be compared',
      counters === null || counters.moving > 0 ? ['money moved while they were read'] : [],
    ),
    ...difference(
      'counted spending that differs from the ledger',
      spentNano === ledgerNano ? [] : [`counters ${spentNano}, ledger ${ledgerNano}`],
    ),
  ]
}
