import type { Redis } from 'ioredis'
import type { AdmissionStore } from '../admission/store.ts'
import type { Policy } from '../config/policy-types.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { PriceBook } from '../pricing/types.ts'
import type { ParkTally } from '../queue/park-tally.ts'
import type { Queues } from '../queue/queues.ts'

/** What alerts are raised from. */
export interface AlertPlace {
  readonly ledger: Ledger
  readonly policy: Policy
  readonly slot: Pick<AdmissionStore, 'peek'>
  readonly nowMs: number
  /** What waits for money, looked at once at most; absent = nobody can say. */
  readonly parked?: () => Promise<ParkTally>
}

/** What rules look at that measure. */
export interface World extends AlertPlace {
  readonly slot: Pick<AdmissionStore, 'peek' | 'peekLimits' | 'windows'>
  readonly prices: PriceBook
  readonly queues: Queues
  /** null = embedded. */
  readonly redis: { readonly commands: Redis } | null
}
