import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Catalogue, countModels, hashOfCatalogue, readCatalogue } from '../pricing/snapshot.ts'
import { type PriceTimeline, timelineOf } from '../pricing/timeline.ts'
import { SafeInteger } from './columns.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'

const SnapshotRow = z.object({
  number: z.int(),
  effectiveFromMs: SafeInteger,
  hash: z.string(),
  source: z.string(),
  models: z.int(),
  importedBy: z.string(),
  importedAtMs: SafeInteger,
})
/** A price list that was imported, without its prices. */
export type SnapshotNote = Readonly<z.infer<typeof SnapshotRow>>

const NOTE = sql.raw(
  `number, effective_from_ms as "effectiveFromMs", hash, source, models, imported_by as "importedBy",
   imported_at_ms as "importedAtMs"`,
)

/** Every price list, the newest number first. @throws {BursarError} LEDGER_UNAVAILABLE, here and below. */
export const listSnapshots = ({ db }: Pick<Ledger, 'db'>): Promise<SnapshotNote[]> =>
  rowsOf(db, SnapshotRow, sql`select ${NOTE} from price_snapshots order by number desc`)

const Newest = z.object({ number: z.int() })

/** The highest number; 0 = nothing was ever imported. */
export async function newestSnapshot({ db }: Pick<Ledger, 'db'>): Promise<number> {
  const asked = sql`select coalesce(max(number), 0)::int as number from price_snapshots`
  return (await rowsOf(db, Newest, asked))[0]?.number ?? 0
}

const Bodied = z.object({ number: z.int(), effectiveFromMs: SafeInteger, body: z.json() })

/**
 * The price lists that hold at an instant or come into force after it, in order.
 * @param atMs - UTC ms; 0 = all there are.
 */
export async function readTimeline(
  { db }: Pick<Ledger, 'db'>,
  atMs: number,
): Promise<PriceTimeline> {
  const rows = await rowsOf(
    db,
    Bodied,
    sql`
      select number, effective_from_ms as "effectiveFromMs", body from price_snapshots
      where effective_from_ms >= coalesce((
        select max(effective_from_ms) from price_snapshots where effective_from_ms <= ${atMs}::bigint
      ), 0)`,
  )
  const snapshots = rows.map(({ body, ...row }) => ({ ...row, catalogue: readCatalogue(body) }))
  return timelineOf(snapshots)
}

export interface NewSnapshot {
  readonly catalogue: Catalogue
  readonly source: string
  readonly effectiveFromMs: number
  readonly by: string
  readonly atMs: number
}

/**
 * Gives a price list the next number. Before the first one, the list that held until now is written down from the
 * beginning of time, so that a later version of Bursar does not change what the past cost.
 * @param before - the list that came with this version.
 * @returns the number.
 */
export const insertSnapshot = (
  ledger: Ledger,
  snapshot: NewSnapshot,
  before: Pick<NewSnapshot, 'catalogue' | 'source'>,
): Promise<number> =>
  ledger.transaction(async (tx) => {
    // The mode that excludes itself but no reader, so that two importers cannot draw one number.
    await run(tx, sql`lock table price_snapshots in share row exclusive mode`)
    const known = await newestSnapshot({ db: tx })
    if (known > 0) return insert(tx, known + 1, snapshot)
    await insert(tx, 1, { ...snapshot, ...before, effectiveFromMs: 0 })
    return insert(tx, 2, snapshot)
  })

async function insert(tx: LedgerDb, number: number, snapshot: NewSnapshot): Promise<number> {
  const { catalogue, source, effectiveFromMs, by, atMs } = snapshot
  await run(
    tx,
    sql`
      insert into price_snapshots
        (number, effective_from_ms, hash, source, models, body, imported_by, imported_at_ms)
      values (${number}, ${effectiveFromMs}::bigint, ${hashOfCatalogue(catalogue)}, ${source},
        ${countModels(catalogue)}, ${JSON.stringify(catalogue)}::text::jsonb, ${by}, ${atMs}::bigint)`,
  )
  return number
}
