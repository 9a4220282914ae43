import type { Nano } from '../../money/nano.ts'
import type { Difference, Evidence } from './evidence.ts'
import { judgeBill, sumsOf } from './judge-bill.ts'
import { countOutcomes, judgeRequests } from './judge-requests.ts'
import { heldIn, judgeWindows, overspends } from './judge-windows.ts'

/** What a run of traffic came to: the object of `--json`. Money in nano-USD. */
export interface Summary {
  readonly requests: number
  readonly answered: number
  readonly cached: number
  readonly joined: number
  readonly parked: number
  readonly refused: number
  readonly expired: number
  readonly cancelled: number
  readonly failed: number
  /** By the counters of the slot. */
  readonly spentNano: Nano
  /** Summed over all windows; 0 when all is well. */
  readonly heldNano: Nano
  /** By the ledger's entries. */
  readonly ledgerNano: Nano
  /** By the provider's bill. */
  readonly billedNano: Nano
  /** Above the limits of windows, without named overruns; 0 when all is well. */
  readonly overspendNano: Nano
  /** Billed above what was held, and booked in full. */
  readonly overrunNano: Nano
  /** Entries that a later bill may still lower. */
  readonly unconfirmed: number
  /** From the first request to the last booking. */
  readonly seconds: number
}

/** Empty = everybody agrees. Pure. */
export const judge = (evidence: Evidence): Difference[] => [
  ...judgeRequests(evidence),
  ...judgeWindows(evidence),
  ...judgeBill(evidence),
]

/** Pure. */
export function summarise(evidence: Evidence, seconds: number): Summary {
  const { requests, answered, cached, joined, parked, refused, expired, cancelled, failed } =
    countOutcomes(evidence)
  const { ledgerNano, billedNano, overrunNano, unconfirmed } = sumsOf(evidence)
  return {
    ...{ requests, answered, cached, joined, parked, refused, expired, cancelled, failed },
    spentNano: evidence.spentNano,
    heldNano: heldIn(evidence.windows),
    ledgerNano,
    billedNano,
    overspendNano: overspends(evidence).reduce((sum, { nano }) => sum + nano, 0),
    overrunNano,
    unconfirmed,
    seconds: Math.round(seconds * 10) / 10,
  }
}
