import { z } from 'zod'
import { BursarError, messageOf } from '../../errors.ts'
import type { SlotState, StoredEntry } from '../model.ts'
import type { JournalDatabase } from './database.ts'
import { HEAD_KIND } from './disk.ts'
import { KINDS, readHead, readKey, readRecord } from './records.ts'

const PAGE_ROWS = 5_000

const RecordRow = z.object({
  kind: z.enum([...KINDS, HEAD_KIND]),
  key: z.string(),
  value: z.string(),
})
const EntryRow = z.object({ seq: z.coerce.number(), id: z.string(), entry: z.string() })
/** The ledger's reader judges an entry when it is drained, as it does for one that was never on disk. */
const Entry = z.custom<StoredEntry['entry']>((value) => value instanceof Object)

/**
 * Fills an empty slot with what the journal has.
 * @throws {BursarError} UNREADABLE_REPLY with the row's name: a slot that lost a record could spend money twice.
 */
export async function loadSlot(database: JournalDatabase, state: SlotState): Promise<void> {
  await loadRecords(database, state)
  await loadOutbox(database, state)
}

async function loadRecords(database: JournalDatabase, state: SlotState): Promise<void> {
  let last = { kind: '', key: '' }
  for (;;) {
    const rows = await database.query(
      `select kind, key, value from slot.record where (kind, key) > ($1, $2)
       order by kind, key limit ${PAGE_ROWS}`,
      [last.kind, last.key],
    )
    for (const raw of rows) last = readable(raw, () => restore(state, raw))
    if (rows.length < PAGE_ROWS) return
  }
}

function restore(state: SlotState, raw: unknown): { kind: string; key: string } {
  const row = RecordRow.parse(raw)
  if (row.kind === HEAD_KIND) readHead(state, row.value)
  else readRecord(state, row.kind, readKey(row.key), row.value)
  return row
}

async function loadOutbox(database: JournalDatabase, state: SlotState): Promise<void> {
  let last = -1
  for (;;) {
    const rows = await database.query(
      `select seq, id, entry from slot.outbox where seq > $1 order by seq limit ${PAGE_ROWS}`,
      [last],
    )
    for (const raw of rows) last = readable(raw, () => restoreEntry(state, raw, last))
    if (rows.length < PAGE_ROWS) break
  }
  if (last >= 0 && last !== state.seq - 1) throw gap(state.seq - 1)
}

function restoreEntry(state: SlotState, raw: unknown, last: number): number {
  const { seq, id, entry } = EntryRow.parse(raw)
  if (last >= 0 && seq !== last + 1) throw gap(last + 1)
  state.out.push({ id, entry: Entry.parse(JSON.parse(entry)) })
  return seq
}

const gap = (seq: number): BursarError => unreadable('outbox', String(seq), 'it is missing')

const Named = z.object({
  kind: z.string().default('outbox'),
  key: z.string().optional(),
  id: z.string().optional(),
})

function readable<T>(row: unknown, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof BursarError) throw cause
    const { kind, key, id } = Named.parse(row)
    throw unreadable(kind, key ?? id ?? '', messageOf(cause), cause)
  }
}

const unreadable = (kind: string, key: string, why: string, cause?: unknown): BursarError =>
  new BursarError(
    'UNREADABLE_REPLY',
    `the journal's record ${kind} ${key} cannot be read (${why}): restore the data folder from a copy, or start with an empty one`,
    { cause, detail: { kind, key } },
  )
