import {
  compareOutboxIds,
  type Outbox,
  type OutboxEntry,
  type PostingEntry,
} from '../admission/outbox.ts'
import { removeRequests, writeUsage } from './cubes/write-usage.ts'
import { writeLeases } from './leases.ts'
import type { Ledger, LedgerDb } from './ledger.ts'
import { type Admissions, admissionsOf, newEnds } from './queries/identity.ts'
import {
  addWindowTotals,
  type Conflict,
  insertPostings,
  insertThresholds,
  recordConflicts,
} from './queries/insert-batch.ts'
import { endRows, entryRows, postingRow, thresholdRow, windowRows } from './rows.ts'
import { lockSlotRow, writeWatermark } from './slot-row.ts'

/** What one batch brought. */
export interface DrainedBatch {
  /** Outbox entries read. */
  readonly entries: number
  /** Postings that were new to the ledger. */
  readonly postings: number
  /** Postings refused because their key holds another content: LEDGER_CONFLICT, somebody must look. */
  readonly conflicts: readonly Conflict[]
}

export type DrainResult =
  /** `more`: the batch was full, so that there may be another. */
  | ({ readonly state: 'drained'; readonly more: boolean } & DrainedBatch)
  | { readonly state: 'empty' }
  /** The slot is missing or closed, or of another epoch than the ledger: nothing was written. */
  | { readonly state: 'closed' }
  | { readonly state: 'epoch-changed' }

export interface DrainOptions {
  /** Entries per transaction, >= 1. */
  readonly batch: number
}

type Posted = {
  readonly epoch: number
  readonly watermark: string
  readonly behind: boolean
} & DrainedBatch

/**
 * Moves one batch from the outbox to the ledger: one transaction, then the acknowledgement (PROTOCOL 3.8). Drains take
 * turns by the lock on the slot row. Dying anywhere is harmless: before the commit nothing happened, after it the
 * watermark says so, and whoever comes next acknowledges.
 * @throws {BursarError} LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED, and what the outbox throws.
 */
export async function drainOnce(
  ledger: Ledger,
  outbox: Outbox,
  options: DrainOptions,
): Promise<DrainResult> {
  const posted = await ledger.transaction((tx) => postBatch(tx, outbox, options.batch))
  if (typeof posted === 'string') return { state: posted }
  const { epoch, watermark, behind, ...batch } = posted
  if (behind) await outbox.acknowledge(epoch, watermark)
  if (batch.entries === 0) return { state: 'empty' }
  return { state: 'drained', more: batch.entries >= options.batch, ...batch }
}

async function postBatch(
  tx: LedgerDb,
  outbox: Outbox,
  limit: number,
): Promise<Posted | 'closed' | 'epoch-changed'> {
  const { epoch, watermark } = await lockSlotRow(tx)
  // Both at once, in this order. The slot cannot enter another epoch between them: that needs the locked row.
  const [slot, entries] = await Promise.all([outbox.slot(), outbox.read(watermark, limit)])
  if (slot === null) return 'closed'
  if (slot.epoch !== epoch) return 'epoch-changed'
  const last = entries.at(-1)
  if (last === undefined) {
    const behind = compareOutboxIds(slot.acked, watermark) < 0
    return { epoch, watermark, behind, entries: 0, postings: 0, conflicts: [] }
  }
  const written = await writeEntries(tx, entries, epoch)
  await writeWatermark(tx, last.id)
  return { epoch, watermark: last.id, behind: true, entries: entries.length, ...written }
}

/** Writes a page of entries in a transaction that holds the slot row. @returns what of it was new. */
export async function writeEntries(tx: LedgerDb, entries: readonly OutboxEntry[], epoch: number) {
  const postings = entries.filter((entry) => entry.type === 'posting')
  const admissions = await admissionsOf(tx, postings)
  const { fresh, conflicts } = await writePostings(tx, postings, admissions)
  const calls = entryRows(
    fresh.filter(({ kind }) => kind !== 'lease'),
    admissions.atMs,
  )
  const ended = entries.filter((entry) => entry.type !== 'threshold')
  const ends = await newEnds(tx, endRows(ended, epoch))
  await removeRequests(tx, ends.replaced)
  await writeUsage(tx, {
    entries: calls,
    known: calls.filter(admissions.isKnown),
    requests: ends.fresh,
  })
  await writeLeases(tx, fresh)
  await addWindowTotals(tx, windowRows(fresh))
  const thresholds = entries.filter((entry) => entry.type === 'threshold')
  await insertThresholds(tx, thresholds.map(thresholdRow))
  return { postings: fresh.length, conflicts }
}

/** @returns `fresh`: the postings that were inserted; only they may change a sum. */
async function writePostings(
  tx: LedgerDb,
  postings: readonly PostingEntry[],
  { atMs }: Admissions,
) {
  const rowOf = (posting: PostingEntry) => postingRow(posting, atMs(posting.attempt))
  const inserted = await insertPostings(tx, postings.map(rowOf))
  const isFresh = (posting: PostingEntry) => inserted.has(posting.id)
  const known = postings.filter((posting) => !isFresh(posting))
  const conflicts = await recordConflicts(tx, known.map(rowOf))
  return { fresh: postings.filter(isFresh), conflicts }
}
