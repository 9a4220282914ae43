import { asc, desc, eq } from 'drizzle-orm'
import { asking, type Ledger } from '../ledger.ts'
import { entries, requests } from '../schema.ts'
import type { Entry } from './list-entries.ts'

/** How one request ended. */
export type RequestEnd = typeof requests.$inferSelect

export interface RequestRecord {
  /** null while it has not ended, or the ledger has not read its end yet. */
  readonly end: RequestEnd | null
  /** Its attempts, oldest first. Those still held have no entry. */
  readonly attempts: readonly Entry[]
}

/** @returns null when the ledger has nothing about the job. */
export async function getRequest(ledger: Ledger, job: string): Promise<RequestRecord | null> {
  const [ends, attempts] = await asking(() =>
    Promise.all([
      ledger.db
        .select()
        .from(requests)
        .where(eq(requests.job, job))
        .orderBy(desc(requests.endedAtMs))
        .limit(1),
      ledger.db
        .select()
        .from(entries)
        .where(eq(entries.job, job))
        .orderBy(asc(entries.admittedAtMs), asc(entries.n), asc(entries.attempt)),
    ]),
  )
  const end = ends[0] ?? null
  return end === null && attempts.length === 0 ? null : { end, attempts }
}
