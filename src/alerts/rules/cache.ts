import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../../ledger/columns.ts'
import { rowsOf } from '../../ledger/ledger.ts'
import { outcomeCounts } from '../../ledger/queries/outcome-counts.ts'
import type { Rule } from './rule.ts'

const HOUR_MS = 3_600_000
/** Fewer say nothing. */
const LEAST_REQUESTS = 100
const QUICKER_SHARE = 0.95

/** Fewer answers came from the cache than the policy aims at. */
export const hitRate: Rule = {
  name: 'hit-rate',
  async look({ ledger, policy, nowMs }) {
    const target = policy.cache.hitRateTarget
    if (target === undefined) return []
    const counts = await outcomeCounts(ledger, { fromMs: nowMs - HOUR_MS })
    const kept = counts.cached + counts.joined
    const all = kept + counts.answered
    const value = all === 0 ? 100 : Math.floor((kept / all) * 100)
    if (all < LEAST_REQUESTS || value >= target) return []
    const measure = { value, threshold: target, unit: 'percent', overMs: HOUR_MS } as const
    return [{ scope: 'cache', threshold: target, facts: { rule: 'hit-rate', ...measure } }]
  },
}

const Latency = z.object({ requests: SafeInteger, ms: z.number().nullable() })

/** Kept answers take too long, from the request to its end. @param above - ms. */
export const cachedLatency: Rule = {
  name: 'cached-latency',
  async look({ ledger, nowMs }, above) {
    const [row] = await rowsOf(
      ledger.db,
      Latency,
      sql`
        select count(*) as requests,
          percentile_cont(${QUICKER_SHARE}::float8) within group (order by ended_at_ms - enqueued_at_ms) as ms
        from requests
        where ended_at_ms >= ${nowMs - HOUR_MS}::bigint and outcome = 'cached'
          and enqueued_at_ms is not null`,
    )
    const value = Math.round(row?.ms ?? 0)
    if (!row || row.requests < LEAST_REQUESTS || value <= above) return []
    const measure = { value, threshold: above, unit: 'ms', overMs: HOUR_MS } as const
    return [{ scope: 'cached answers', facts: { rule: 'cached-latency', ...measure } }]
  },
}
