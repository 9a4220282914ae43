import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { LedgerWord } from '../../admission/adopt-command.ts'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { ENTRY_STATUSES, type EntryStatus } from '../schema.ts'

const WordRow = z.object({
  attempt: z.string(),
  status: z.enum(ENTRY_STATUSES),
  bookedNano: SafeInteger,
  epoch: z.int(),
  rev: z.int(),
})

const STATE: Readonly<Record<EntryStatus, LedgerWord['state']>> = {
  confirmed: 'S',
  unconfirmed: 'U',
  released: 'R',
}

/** What the ledger says of attempts; those it has nothing of are absent. @throws {BursarError} LEDGER_UNAVAILABLE. */
export async function wordsOf(
  ledger: Pick<Ledger, 'db'>,
  attempts: readonly string[],
): Promise<ReadonlyMap<string, LedgerWord>> {
  if (attempts.length === 0) return new Map()
  const rows = await rowsOf(
    ledger.db,
    WordRow,
    sql`
      select attempt, status, cost_nano as "bookedNano", epoch, rev from entries
      where attempt in (select json_array_elements_text(${JSON.stringify(attempts)}::text::json))`,
  )
  return new Map(
    rows.map(({ attempt, status, ...word }) => [attempt, { ...word, state: STATE[status] }]),
  )
}
