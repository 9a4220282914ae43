import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { usageOver } from '../cubes/over.ts'
import { type LedgerDb, rowsOf } from '../ledger.ts'

const HOUR_MS = 3_600_000

/** What a period is summed up by, in the order of the columns. */
const BY = ['tenant', 'tier', 'model'] as const
const SUMS = [
  ...['requests', 'calls', 'input_tokens', 'cached_input_tokens', 'cache_write_tokens'],
  ...[
    'output_tokens',
    'reasoning_tokens',
    'cost_nano',
    'list_nano',
    'saved_nano',
    'unconfirmed_nano',
  ],
]
const COLUMNS = sql.raw([...BY, ...SUMS].join(', '))

/**
 * Usage of a period as a relation with the columns of `close_totals`: whole hours from the cube, and of timezones whose
 * day begins within an hour the ends from the calls themselves.
 */
export function periodTotals(startMs: number, endMs: number): SQL {
  const from = Math.ceil(startMs / HOUR_MS) * HOUR_MS
  const to = Math.max(Math.floor(endMs / HOUR_MS) * HOUR_MS, from)
  const hours = sql`
    select ${COLUMNS} from usage_hourly where hour_ms >= ${from}::bigint and hour_ms < ${to}::bigint`
  const ends = [
    { fromMs: startMs, toMs: Math.min(from, endMs) },
    { fromMs: Math.max(to, startMs), toMs: endMs },
  ].filter(({ fromMs, toMs }) => fromMs < toMs)
  const pieces = [hours, ...ends.map((end) => sql`select ${COLUMNS} from ${usageOver(end)} ends`)]
  const sums = sql.raw(SUMS.map((column) => `sum(${column})::bigint as ${column}`).join(', '))
  return sql`
    (select ${sql.raw(BY.join(', '))}, ${sums} from (${sql.join(pieces, sql` union all `)}) piece
     group by ${sql.raw(BY.join(', '))})`
}

/** Columns of the totals, for an insert. */
export const TOTAL_COLUMNS = COLUMNS

const ChangeRow = z.object({
  tenant: z.string(),
  tier: z.string(),
  model: z.string(),
  ...{ calls: SafeInteger, costNano: SafeInteger, listNano: SafeInteger },
})
/** What a part of a sealed period is worth more or less than is written down. */
export type Change = Readonly<z.infer<typeof ChangeRow>>

export interface SealedPeriod {
  readonly period: string
  readonly window: string
  readonly timezone: string
  readonly startMs: number
  readonly endMs: number
}

const sealedAs = ({ period, window, timezone }: SealedPeriod): SQL =>
  sql`period = ${period} and window_id = ${window} and timezone = ${timezone}`

/** Compares what a period is worth by now with its sealed totals and their adjustments. Empty = nothing came since. */
export const changesSince = (db: LedgerDb, sealed: SealedPeriod): Promise<Change[]> =>
  rowsOf(
    db,
    ChangeRow,
    sql`
      select tenant, tier, model, sum(calls)::bigint as calls, sum(cost_nano)::bigint as "costNano",
        sum(list_nano)::bigint as "listNano"
      from (
        select tenant, tier, model, calls, cost_nano, list_nano
        from ${periodTotals(sealed.startMs, sealed.endMs)} used
        union all
        select tenant, tier, model, -calls, -cost_nano, -list_nano
        from close_totals where ${sealedAs(sealed)}
        union all
        select tenant, tier, model, -calls, -cost_nano, -list_nano
        from close_adjustments where ${sealedAs(sealed)}
      ) side
      group by tenant, tier, model
      having sum(calls) <> 0 or sum(cost_nano) <> 0 or sum(list_nano) <> 0
      order by tenant, tier, model`,
  )

const ReasonRow = z.object({
  tenant: z.string(),
  tier: z.string(),
  model: z.string(),
  reason: z.enum(['confirmed', 'waived', 'reprice']),
  ...{ costNano: SafeInteger, listNano: SafeInteger },
})
export type NamedChange = Readonly<z.infer<typeof ReasonRow>>

/**
 * What of the changes since an instant has a name: people who confirmed or waived, and calls that were priced again.
 * Everything else is settled late.
 */
export const namedChanges = (
  db: LedgerDb,
  { startMs, endMs }: SealedPeriod,
  sinceMs: number,
): Promise<NamedChange[]> =>
  rowsOf(
    db,
    ReasonRow,
    sql`
      select coalesce(tenant, '') as tenant, coalesce(tier, '') as tier, coalesce(model, '') as model, reason,
        sum(cost_nano)::bigint as "costNano", sum(list_nano)::bigint as "listNano"
      from (
        select tenant, tier, model, 'reprice' as reason, cost_nano, list_nano from adjustments
        where admitted_at_ms >= ${startMs}::bigint and admitted_at_ms < ${endMs}::bigint
          and adjusted_at_ms > ${sinceMs}::bigint
        union all
        select tenant, tier, model, split_part(entry.reason, ' ', 1), posting.delta_nano, posting.delta_nano
        from entries entry join postings posting on posting.attempt = entry.attempt
          and posting.admitted_at_ms = entry.admitted_at_ms
        where entry.admitted_at_ms >= ${startMs}::bigint and entry.admitted_at_ms < ${endMs}::bigint
          and entry.posted_at_ms > ${sinceMs}::bigint and posting.posted_at_ms > ${sinceMs}::bigint
          and entry.reason ~ '^(confirmed|waived) by '
      ) named
      group by 1, 2, 3, 4`,
  )
