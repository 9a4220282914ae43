import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../../ledger/columns.ts'
import { rowsOf } from '../../ledger/ledger.ts'
import type { Rule } from './rule.ts'

const HOUR_MS = 3_600_000

const Failed = z.object({ channel: z.string(), failed: SafeInteger, error: z.string().nullable() })

/** A channel did not take messages, for good. @param above - how many in an hour. */
export const deliveryFailing: Rule = {
  name: 'delivery-failing',
  async look({ ledger, nowMs }, above) {
    const rows = await rowsOf(
      ledger.db,
      Failed,
      sql`
        select channel, count(*) as failed,
          (array_agg(last_error order by ended_at_ms desc))[1] as error
        from alert_deliveries
        where state = 'failed' and ended_at_ms >= ${nowMs - HOUR_MS}::bigint
        group by 1 having count(*) >= ${above}::bigint`,
    )
    return rows.map(({ channel, failed, error }) => ({
      scope: `channel ${channel}`,
      facts: { rule: 'delivery-failing', channel, failed, lastError: error ?? '' },
    }))
  },
}
