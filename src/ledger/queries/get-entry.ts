import { eq } from 'drizzle-orm'
import { asking, type Ledger } from '../ledger.ts'
import { entries } from '../schema.ts'
import type { Entry } from './list-entries.ts'

/** @returns null when the ledger has nothing of this attempt (yet). */
export async function getEntry(ledger: Ledger, attempt: string): Promise<Entry | null> {
  const [entry] = await asking(() =>
    ledger.db.select().from(entries).where(eq(entries.attempt, attempt)),
  )
  return entry ?? null
}
