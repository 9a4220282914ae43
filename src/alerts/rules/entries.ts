import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { splitWindowKey } from '../../admission/outbox.ts'
import { SafeInteger } from '../../ledger/columns.ts'
import { rowsOf } from '../../ledger/ledger.ts'
import { timezoneOf } from '../../ledger/questions/window-forecast.ts'
import { tenantOf } from '../budget-facts.ts'
import type { Rule } from './rule.ts'

const HOUR_MS = 3_600_000
const ERRORS_OVER_MS = 15 * 60_000
/** One failed call of two is no rate. */
const LEAST_CALLS = 20
/** Longest that a hold lives: what is older is the past. */
const OVERRUNS_OVER_MS = 24 * HOUR_MS
const MOST_WINDOWS = 100

const Overrun = z.object({ key: z.string(), calls: SafeInteger, over: SafeInteger })

/** A provider billed more than was held for a call. */
export const overrun: Rule = {
  name: 'overrun',
  async look({ ledger, policy, nowMs }) {
    const rows = await rowsOf(
      ledger.db,
      Overrun,
      sql`
        select windows[1] as key, count(*) as calls, sum(overrun_nano)::bigint as over from entries
        where admitted_at_ms >= ${nowMs - OVERRUNS_OVER_MS}::bigint and overrun_nano > 0
          and windows[1] is not null
        group by 1 order by 3 desc limit ${MOST_WINDOWS}`,
    )
    return rows.map(({ key, calls, over: overNano }) => {
      const { budget, window } = splitWindowKey(key)
      const facts = { rule: 'overrun', budget, window, calls, overNano } as const
      const timezone = timezoneOf(policy, budget)
      return {
        scope: `budget ${budget}`,
        budget,
        tenant: tenantOf(policy, budget),
        timezone,
        facts,
      }
    })
  },
}

const Unconfirmed = z.object({
  entries: SafeInteger,
  cost: SafeInteger,
  oldest: SafeInteger.nullable(),
})

/** Nobody knows the bill of a call, for too long. @param above - ms. */
export const unconfirmedOld: Rule = {
  name: 'unconfirmed-old',
  async look({ ledger, nowMs }, above) {
    const [row] = await rowsOf(
      ledger.db,
      Unconfirmed,
      sql`
        select count(*) as entries, coalesce(sum(cost_nano), 0)::bigint as cost,
          min(admitted_at_ms) as oldest
        from entries where status = 'unconfirmed' and admitted_at_ms < ${nowMs - above}::bigint`,
    )
    if (!row?.oldest) return []
    const { entries, cost: costNano, oldest: oldestAtMs } = row
    const facts = { rule: 'unconfirmed-old', entries, costNano, oldestAtMs } as const
    return [{ scope: 'unconfirmed calls', facts }]
  },
}

const Failed = z.object({ provider: z.string(), calls: SafeInteger, failed: SafeInteger })

/** Too many calls of a provider failed. @param above - percent. */
export const providerErrors: Rule = {
  name: 'provider-errors',
  async look({ ledger, nowMs }, above) {
    const rows = await rowsOf(
      ledger.db,
      Failed,
      sql`
        select provider, count(*) as calls,
          count(*) filter (where seen in ('unbilled-error', 'unknown')) as failed
        from entries
        where admitted_at_ms >= ${nowMs - ERRORS_OVER_MS}::bigint and provider is not null
          and seen is not null
        group by 1 having count(*) >= ${LEAST_CALLS}`,
    )
    return rows
      .map(({ provider, calls, failed }) => ({
        provider,
        value: Math.floor((failed / calls) * 100),
      }))
      .filter(({ value }) => value > above)
      .map(({ provider, value }) => ({
        scope: `provider ${provider}`,
        facts: {
          ...({ rule: 'provider-errors', provider, value, unit: 'percent' } as const),
          ...{ threshold: above, overMs: ERRORS_OVER_MS },
        },
      }))
  },
}
