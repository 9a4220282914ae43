import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'

/** A prompt that came again, by the key of its answer. */
export interface RepeatedPrompt {
  readonly key: string
  /** Requests that got this answer, paid or not. */
  readonly times: number
  /** What a call of it costs, on average. */
  readonly costNano: number
}

export interface RepeatedOptions {
  readonly fromMs: number
  readonly limit: number
  /** Absent = everybody's. */
  readonly tenant?: string | undefined
  readonly user?: string | undefined
}

const Row = z.object({ key: z.string(), times: SafeInteger, costNano: SafeInteger })

/**
 * Prompts that came more than once since an instant, what their repetition would have cost first. Written down is only
 * which answer a request was about, never what it said, and only while the policy lets prompts be learned. What
 * warming itself asked for counts as no repetition.
 */
export const repeatedPrompts = (
  ledger: Ledger,
  { fromMs, limit, tenant, user }: RepeatedOptions,
): Promise<RepeatedPrompt[]> =>
  rowsOf(
    ledger.db,
    Row,
    sql`
      select asked.key, asked.times, paid.cost as "costNano"
      from (
        select tags->>'bursar.prompt' as key, count(*) as times
        from requests
        where ended_at_ms >= ${fromMs}::bigint
          and outcome in ('answered', 'cached', 'joined')
          and tags->>'bursar.prompt' is not null
          and tags->>'bursar.warming' is null
          and ${tenant === undefined ? sql`true` : sql`tenant = ${tenant}`}
          and ${user === undefined ? sql`true` : sql`user_id = ${user}`}
        group by 1
        having count(*) > 1
      ) asked
      join (
        select tags->>'bursar.prompt' as key, avg(cost_nano)::bigint as cost
        from entries
        where admitted_at_ms >= ${fromMs}::bigint and tags->>'bursar.prompt' is not null
        group by 1
      ) paid on paid.key = asked.key
      where paid.cost > 0
      order by (asked.times - 1) * paid.cost desc, asked.key
      limit ${limit}`,
  )
