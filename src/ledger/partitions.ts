import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'
import { lockSlotRow } from './slot-row.ts'

/** The tables that are cut by month (UTC), and by which of their instants. (docs/decisions/0019) */
export const PARTITIONED = {
  postings: 'admitted_at_ms',
  entries: 'admitted_at_ms',
  requests: 'ended_at_ms',
} as const
export type PartitionedTable = keyof typeof PARTITIONED

export const TABLE_NAMES: readonly PartitionedTable[] = ['postings', 'entries', 'requests']

/** A calendar month of UTC. */
export interface Month {
  /** `2026-11` */
  readonly name: string
  /** First instant, and the first of the next month; UTC ms. */
  readonly fromMs: number
  readonly toMs: number
}

/** @param ahead - months after the one of `atMs`; may be negative. */
export function monthOf(atMs: number, ahead = 0): Month {
  const at = new Date(atMs)
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth() + ahead]
  const fromMs = Date.UTC(year, month, 1)
  return {
    name: new Date(fromMs).toISOString().slice(0, 7),
    fromMs,
    toMs: Date.UTC(year, month + 1, 1),
  }
}

/** `entries_2026_11`; a name of ours, safe in SQL. */
export const partitionName = (table: PartitionedTable, { name }: Month): string =>
  `${table}_${name.replace('-', '_')}`

const Partition = z.object({ table: z.string(), month: z.string() })

/** Months that have a partition of their own in every table, oldest first. */
export async function listPartitions({ db }: Pick<Ledger, 'db'>): Promise<readonly Month[]> {
  const found = await rowsOf(
    db,
    Partition,
    sql`
      select parent.relname as table, replace(right(child.relname, 7), '_', '-') as month
      from pg_inherits
      join pg_class parent on parent.oid = inhparent
      join pg_class child on child.oid = inhrelid
      where parent.oid in ('postings'::regclass, 'entries'::regclass, 'requests'::regclass)
        and child.relname ~ '_[0-9]{4}_[0-9]{2}$'
      order by 2`,
  )
  const names = [...new Set(found.map(({ month }) => month))]
  return names.map((name) => monthOf(Date.parse(`${name}-01T00:00:00Z`)))
}

/**
 * Makes a partition for the month of `nowMs` and those after it, and for months before it of which rows are in the default
 * partition, from where they move. Safe to run again and beside a drain, which waits meanwhile.
 * @param monthsAhead - >= 0.
 * @returns the months that were made; empty = all were there.
 * @throws {BursarError} LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export async function createPartitions(
  ledger: Ledger,
  nowMs: number,
  monthsAhead: number,
): Promise<readonly Month[]> {
  const wanted = new Map<string, Month>()
  for (const month of await monthsInDefault(ledger.db)) wanted.set(month.name, month)
  for (let ahead = 0; ahead <= monthsAhead; ahead += 1) {
    const month = monthOf(nowMs, ahead)
    wanted.set(month.name, month)
  }
  const made: Month[] = []
  for (const month of wanted.values()) {
    if (await createMonth(ledger, month)) made.push(month)
  }
  return made
}

const MonthRow = z.object({ month: z.string() })

/** Nobody had made these months when something was written of them: the default partitions are read whole. */
async function monthsInDefault(db: LedgerDb): Promise<Month[]> {
  const parts = TABLE_NAMES.map(
    (table) => `select ${PARTITIONED[table]} / 86400000 as day from ${table}_default`,
  )
  const rows = await rowsOf(
    db,
    MonthRow,
    sql`
      select distinct to_char(to_timestamp(day * 86400) at time zone 'UTC', 'YYYY-MM') as month
      from (select distinct day from (${sql.raw(parts.join(' union all '))}) one) days
      order by 1`,
  )
  return rows.map(({ month }) => monthOf(Date.parse(`${month}-01T00:00:00Z`)))
}

/** All tables or none. @returns false when the month was there. */
const createMonth = (ledger: Ledger, month: Month): Promise<boolean> =>
  ledger.transaction(async (tx) => {
    await lockSlotRow(tx)
    let made = false
    for (const table of TABLE_NAMES) made = (await createPartition(tx, table, month)) || made
    return made
  })

const Exists = z.object({ exists: z.boolean() })

async function createPartition(tx: LedgerDb, table: PartitionedTable, month: Month) {
  const name = partitionName(table, month)
  const [found] = await rowsOf(tx, Exists, sql`select to_regclass(${name}) is not null as exists`)
  if (found?.exists) return false
  const [column, { fromMs, toMs }] = [PARTITIONED[table], month]
  // A partition cannot be made while the default one has rows of it: they move first.
  const own = `${column} >= ${fromMs} and ${column} < ${toMs}`
  for (const statement of [
    `create table ${name} (like ${table} including all)`,
    `with moved as (delete from ${table}_default where ${own} returning *) insert into ${name} select * from moved`,
    `alter table ${table} attach partition ${name} for values from (${fromMs}) to (${toMs})`,
  ]) {
    await run(tx, sql.raw(statement))
  }
  return true
}
