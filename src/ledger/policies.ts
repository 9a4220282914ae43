import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from './columns.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'

const Newest = z.object({ version: z.number(), hash: z.string() })
const Registered = z.object({ version: z.number(), body: z.json(), createdAtMs: SafeInteger })
export type RegisteredPolicy = z.infer<typeof Registered>

/**
 * Gives a policy its number. The same content as the newest keeps that one's; anything else, an older content too,
 * gets the next. Key order does not count, and neither does what JSON leaves out. Safe from many processes at once. Resolve no secrets into `body` first:
 * it is stored as it is.
 * @returns the version, from 1.
 */
export const registerPolicy = (ledger: Ledger, body: object): Promise<number> =>
  ledger.transaction(async (tx) => {
    // The mode that excludes itself but no reader, so that two newcomers cannot draw one number.
    await run(tx, sql`lock table policies in share row exclusive mode`)
    const hash = createHash('sha256').update(canonical(body)).digest('hex')
    const [newest] = await newestHash(tx)
    if (newest?.hash === hash) return newest.version
    const version = (newest?.version ?? 0) + 1
    const json = JSON.stringify(body)
    await run(
      tx,
      sql`
        insert into policies values (${version}, ${hash}, ${json}::text::jsonb,
          (extract(epoch from clock_timestamp()) * 1000)::bigint)`,
    )
    return version
  })

/** @returns the policy under that number, the newest one without a number; null when there is none. */
export async function readPolicy(
  ledger: Ledger,
  version?: number,
): Promise<RegisteredPolicy | null> {
  const only = version === undefined ? sql`true` : sql`version = ${version}`
  const [row] = await rowsOf(
    ledger.db,
    Registered,
    sql`
      select version, body, created_at_ms as "createdAtMs" from policies
      where ${only} order by version desc limit 1`,
  )
  return row ?? null
}

const newestHash = (tx: LedgerDb) =>
  rowsOf(tx, Newest, sql`select version, hash from policies order by version desc limit 1`)

/** JSON with sorted keys: one text for one content. */
function canonical(value: object): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}
