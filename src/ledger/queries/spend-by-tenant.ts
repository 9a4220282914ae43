import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'

const SpendSchema = z.object({
  tenant: z.string(),
  /** Booked, what is unconfirmed too; nano-USD. */
  costNano: SafeInteger,
  /** When the first of the calls was admitted, UTC ms. */
  firstAtMs: SafeInteger,
})
/** What a tenant spent since some instant. */
export type TenantSpend = Readonly<z.infer<typeof SpendSchema>>

/** What each tenant spent on calls that were admitted since an instant, highest first. Throws like `rowsOf`. */
export const spendByTenant = ({ db }: Pick<Ledger, 'db'>, sinceMs: number) =>
  rowsOf(
    db,
    SpendSchema,
    sql`
      select tenant, sum(cost_nano)::bigint as "costNano", min(admitted_at_ms) as "firstAtMs"
      from entries where admitted_at_ms >= ${sinceMs}::bigint and tenant is not null
      group by tenant having sum(cost_nano) > 0 order by 2 desc, 1`,
  )
