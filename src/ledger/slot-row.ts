import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from './columns.ts'
import { notMigrated } from './errors.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'
import { nowMs } from './processes.ts'

const SlotRow = z.object({ epoch: z.number(), watermark: z.string() })

/** How far the ledger has read (`watermark`, an outbox id, '0' = nothing) which life of the slot (`epoch`, >= 0). */
export type SlotRow = z.infer<typeof SlotRow>

/** @throws {BursarError} LEDGER_NOT_MIGRATED when the row is missing; migrations write it. */
export const readSlotRow = async (ledger: Pick<Ledger, 'db'>): Promise<SlotRow> =>
  only(await rowsOf(ledger.db, SlotRow, sql`select epoch, watermark from slot`))

/** Waits until nobody else holds the row, and keeps it until the transaction ends. */
export const lockSlotRow = async (tx: LedgerDb): Promise<SlotRow> =>
  only(await rowsOf(tx, SlotRow, sql`select epoch, watermark from slot for update`))

/** Writes the row of a new ledger (epoch 0, nothing read) if it is missing, and reads it. */
export async function ensureSlotRow(ledger: Ledger): Promise<SlotRow> {
  await run(ledger.db, sql`insert into slot (id) values (1) on conflict (id) do nothing`)
  return await readSlotRow(ledger)
}

/**
 * Starts the next life of the slot: epoch + 1, nothing of it read. Waits for drains under way; afterwards a drain of
 * an older epoch can commit nothing, so the old epoch's sums stand still (PROTOCOL 3.10).
 * @param by - the process that does it, for people.
 */
export async function beginEpoch(ledger: Ledger, by = ''): Promise<SlotRow> {
  const next = sql`
    update slot set epoch = epoch + 1, watermark = '0', reopener = ${by}, began_at_ms = ${nowMs}, opened_at_ms = null
    returning epoch, watermark`
  return only(await rowsOf(ledger.db, SlotRow, next))
}

/** The slot of this life is open. Again, and for a life that is over, nothing changes. */
export const markOpened = ({ db }: Pick<Ledger, 'db'>, epoch: number): Promise<void> =>
  run(
    db,
    sql`
      update slot set reopener = null, opened_at_ms = ${nowMs}
      where epoch = ${epoch} and opened_at_ms is null`,
  )

const SlotLife = z.object({
  epoch: z.int(),
  reopener: z.string().nullable(),
  beganAtMs: SafeInteger.nullable(),
  openedAtMs: SafeInteger.nullable(),
})

/** The newest life, for people: who opens it, and since when it is open; null = of before that was written down. */
export type SlotLife = Readonly<z.infer<typeof SlotLife>>

/** @throws {BursarError} LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED. */
export async function readSlotLife({ db }: Pick<Ledger, 'db'>): Promise<SlotLife> {
  const columns = sql.raw(
    'epoch, reopener, began_at_ms as "beganAtMs", opened_at_ms as "openedAtMs"',
  )
  const [life] = await rowsOf(db, SlotLife, sql`select ${columns} from slot`)
  if (life === undefined) throw notMigrated()
  return life
}

export async function writeWatermark(tx: LedgerDb, watermark: string): Promise<void> {
  await run(tx, sql`update slot set watermark = ${watermark}`)
}

function only(rows: readonly SlotRow[]): SlotRow {
  const [row] = rows
  if (row === undefined) throw notMigrated()
  return row
}
