import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { OWN_TAGS } from '../../admission/plan/own-tags.ts'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'

const Row = z.object({
  tenant: z.string(),
  job: z.string(),
  model: z.string(),
  calls: SafeInteger,
  tokens: SafeInteger,
  costNano: SafeInteger,
  firstAtMs: SafeInteger,
  lastAtMs: SafeInteger,
})
/** What one request of a run used and cost. Instants of admission, UTC ms. */
export type RunRow = Readonly<z.infer<typeof Row>>

export interface RunQuestion {
  /** As the app named it; two tenants may name theirs alike. */
  readonly run: string
  readonly tenant?: string
  /** Requests that are told, >= 1. */
  readonly limit: number
}

/**
 * The requests of a run that made calls, oldest first; those that were answered from the cache cost nothing and are not among them. Empty: the ledger has nothing
 * of such a run (yet). Throws like `rowsOf`.
 */
export const runRows = (
  { db }: Pick<Ledger, 'db'>,
  { run, tenant, limit }: RunQuestion,
): Promise<RunRow[]> =>
  rowsOf(
    db,
    Row,
    sql`
      select coalesce(tenant, '') as tenant, job, coalesce(max(model), '') as model,
        count(*) as calls, sum(cost_nano)::bigint as "costNano",
        coalesce(sum(input_tokens + cached_input_tokens + cache_write_tokens + output_tokens
          + reasoning_tokens), 0)::bigint as tokens,
        min(admitted_at_ms) as "firstAtMs", max(admitted_at_ms) as "lastAtMs"
      from entries
      where (${sql.raw(`tags->>'${OWN_TAGS.run}'`)}) = ${run}
        and ${tenant === undefined ? sql`true` : sql`tenant = ${tenant}`}
      group by 1, 2 order by 7, 2 limit ${limit}::int`,
  )
