import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'

const Total = z.object({ attempts: SafeInteger, bookedNano: SafeInteger })

/** How many attempts admitted before an instant are unconfirmed, and what they have booked, nano-USD. */
export async function unconfirmedTotal(
  ledger: Ledger,
  toMs: number,
): Promise<z.infer<typeof Total>> {
  const [total] = await rowsOf(
    ledger.db,
    Total,
    sql`
      select count(*) as attempts, coalesce(sum(cost_nano), 0)::bigint as "bookedNano"
      from entries where status = 'unconfirmed' and admitted_at_ms < ${toMs}`,
  )
  return total ?? { attempts: 0, bookedNano: 0 }
}
