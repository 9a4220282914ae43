import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from './columns.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'

const SetTierSchema = z.object({
  /** Numbered in the order of their commits, without a gap. */
  version: z.number(),
  tenant: z.string(),
  user: z.string(),
  /** null = none is set any more. */
  tier: z.string().nullable(),
  /** First instant at which it counts no more; null = until it is changed. */
  untilMs: SafeInteger.nullable(),
  reason: z.string(),
  setBy: z.string(),
  setAtMs: SafeInteger,
  /** Id of the message that asked for it; null = a person did. */
  event: z.string().nullable(),
})
/** One change of a user's tier. */
export type SetTier = Readonly<z.infer<typeof SetTierSchema>>

const COLUMNS = sql.raw(
  `version, tenant, user_id as "user", tier, until_ms as "untilMs", reason, set_by as "setBy", set_at_ms as "setAtMs", event`,
)

/**
 * Writes a change down under the next number, one that a message asked for once: again, what it changed then is
 * returned. Safe from many processes at once.
 * @throws {BursarError} LEDGER_UNAVAILABLE, here and below.
 */
export const recordTier = (ledger: Ledger, change: Omit<SetTier, 'version'>): Promise<SetTier> =>
  ledger.transaction(async (tx) => {
    // The mode that excludes itself but no reader: whoever reads in order of version misses none.
    await run(tx, sql`lock table user_tiers in share row exclusive mode`)
    const { tenant, user, tier, untilMs, reason, setBy, setAtMs, event } = change
    const known = event === null ? undefined : await changeOf(tx, event)
    if (known) return known
    const [row] = await rowsOf(
      tx,
      SetTierSchema,
      sql`
        insert into user_tiers (version, tenant, user_id, tier, until_ms, reason, set_by, set_at_ms, event)
        select coalesce(max(version), 0) + 1, ${tenant}, ${user}, ${tier}, ${untilMs}::bigint, ${reason}, ${setBy},
          ${setAtMs}::bigint, ${event}
        from user_tiers
        returning ${COLUMNS}`,
    )
    if (!row) throw new RangeError('an insert returned no row')
    return row
  })

async function changeOf(db: LedgerDb, event: string): Promise<SetTier | undefined> {
  const asked = sql`select ${COLUMNS} from user_tiers where event = ${event}`
  return (await rowsOf(db, SetTierSchema, asked))[0]
}

/** Changes after a version, in order, at most `limit`. */
export const tiersAfter = (
  { db }: Pick<Ledger, 'db'>,
  version: number,
  limit: number,
): Promise<readonly SetTier[]> =>
  rowsOf(
    db,
    SetTierSchema,
    sql`
      select ${COLUMNS} from user_tiers where version > ${version} order by user_tiers.version limit ${limit}`,
  )

/** The newest change of each user, by tenant and user. @param tenant - null = of all. */
export const currentTiers = (
  { db }: Pick<Ledger, 'db'>,
  tenant: string | null,
  limit: number,
): Promise<readonly SetTier[]> =>
  rowsOf(
    db,
    SetTierSchema,
    sql`
      select distinct on (tenant, user_id) ${COLUMNS} from user_tiers
      where ${tenant === null ? sql`true` : sql`tenant = ${tenant}`}
      order by tenant, user_id, user_tiers.version desc limit ${limit}`,
  )
