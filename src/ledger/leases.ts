import { and, eq, inArray, isNull } from 'drizzle-orm'
import { isLeaseId, LEASE_TTL_MS } from '../admission/lease-id.ts'
import type { PostingEntry } from '../admission/outbox.ts'
import type { Nano } from '../money/nano.ts'
import { asking, type Ledger, type LedgerDb } from './ledger.ts'
import { leases, postings } from './schema.ts'

/** An allowance that still holds money, as far as the ledger knows. */
export interface OpenLease {
  readonly id: string
  readonly process: string
  /** `<budget>:<window>` of every window that it holds in. */
  readonly windows: readonly string[]
  /** As it was taken: what of it was booked since is not taken off, so that a new life holds rather too much. */
  readonly amountNano: Nano
  /** When it was taken, ms by the slot's clock. */
  readonly openedAtMs: number
}

/** Keeps the table of allowances beside the postings of one drained batch that were new. */
export async function writeLeases(tx: LedgerDb, fresh: readonly PostingEntry[]): Promise<void> {
  const own = fresh.filter(({ attempt }) => isLeaseId(attempt))
  const opened = own.filter(({ kind }) => kind === 'lease').map(leaseRow)
  if (opened.length > 0) {
    await asking(() => tx.insert(leases).values(opened).onConflictDoNothing())
  }
  for (const { attempt, kind, postedAtMs } of own) {
    if (kind === 'lease') continue
    await asking(() =>
      tx
        .update(leases)
        .set({ closedAtMs: postedAtMs })
        .where(and(eq(leases.id, attempt), isNull(leases.closedAtMs))),
    )
  }
}

const leaseRow = (posting: PostingEntry) => ({
  id: posting.attempt,
  process: posting.job,
  window: posting.windows.join(','),
  amountNano: posting.holdNano,
  openedEpoch: posting.epoch,
  openedAtMs: posting.admittedAtMs,
  expiresAtMs: posting.admittedAtMs + LEASE_TTL_MS,
})

/**
 * How the ledger knows these allowances; absent = not yet. Only what it knows may be spent from: an emptied slot gets
 * back what is `open` here, and nothing else.
 * @throws {BursarError} LEDGER_UNAVAILABLE, here and below.
 */
export async function knownLeases(
  { db }: Pick<Ledger, 'db'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, 'open' | 'closed'>> {
  if (ids.length === 0) return new Map()
  const rows = await asking(() =>
    db
      .select({ id: leases.id, closedAtMs: leases.closedAtMs })
      .from(leases)
      .where(inArray(leases.id, [...ids])),
  )
  return new Map(rows.map(({ id, closedAtMs }) => [id, closedAtMs === null ? 'open' : 'closed']))
}

/** Every allowance that neither was closed nor ran out. */
export const openLeases = ({ db }: Pick<Ledger, 'db'>): Promise<readonly OpenLease[]> =>
  asking(() =>
    db
      .select({
        id: leases.id,
        process: leases.process,
        windows: postings.windows,
        amountNano: leases.amountNano,
        openedAtMs: leases.openedAtMs,
      })
      .from(leases)
      .innerJoin(postings, and(eq(postings.attempt, leases.id), eq(postings.kind, 'lease')))
      .where(isNull(leases.closedAtMs))
      .orderBy(leases.openedAtMs, leases.id),
  )
