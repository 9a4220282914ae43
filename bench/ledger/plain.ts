import { sql } from 'drizzle-orm'
import type { OutboxEntry } from '../../src/admission/outbox.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { endRows, entryRows, postingRow, type Row, rowsJson } from '../../src/ledger/rows.ts'

const TABLES = ['postings', 'entries', 'requests'] as const

/** The same rows in the same tables with the same indexes, and nothing else: what the drain is measured against. */
export async function preparePlain({ db }: Ledger): Promise<void> {
  await db.execute(sql`create schema plain`)
  for (const table of TABLES) {
    await db.execute(sql.raw(`create table plain.${table} (like public.${table} including all)`))
  }
}

export const rowsFor = (page: readonly OutboxEntry[]): readonly (readonly Row[])[] => {
  const postings = page.filter((entry) => entry.type === 'posting')
  const admitted = new Map(postings.map((one) => [one.attempt, one.admittedAtMs]))
  return [
    postings.map((posting) => postingRow(posting, posting.admittedAtMs)),
    entryRows(postings, (attempt) => admitted.get(attempt) ?? 0),
    endRows(
      page.filter((entry) => entry.type !== 'threshold'),
      0,
    ),
  ]
}

/** One transaction of one multi-row insert for each table. */
export const insertPlain = (ledger: Ledger, page: readonly OutboxEntry[]): Promise<void> =>
  ledger.transaction(async (tx) => {
    const all = rowsFor(page)
    for (const [at, table] of TABLES.entries()) {
      const name = sql.raw(table)
      await tx.execute(sql`
        insert into plain.${name}
        select * from json_populate_recordset(null::plain.${name}, ${rowsJson(all[at] ?? [])}::text::json)`)
    }
  })
