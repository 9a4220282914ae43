import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { OUTCOMES } from '../../admission/outbox.ts'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { noOutcomes, type OutcomeCounts } from './outcome-counts.ts'
import { type TimeRange, within } from './time-range.ts'

/** What a report may be broken down by. */
export const DIMENSIONS = [
  'tenant',
  'user',
  'tier',
  'model',
  'provider',
  'modelRequested',
  'operation',
  'urgency',
] as const
export type Dimension = (typeof DIMENSIONS)[number]

export interface ReportTotals {
  /** Requests that ended within the range, by outcome. */
  readonly requests: OutcomeCounts
  /** Attempts admitted within the range, and what they used and cost. */
  readonly attempts: number
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** Booked, nano-USD. */
  readonly costNano: number
  /** The same calls at list price, nano-USD; a call whose usage is unknown counts with what is booked. */
  readonly listNano: number
  /** Part of the cost that a late bill may still lower. */
  readonly unconfirmed: { readonly attempts: number; readonly nano: number }
  /** Part of the cost above what was held. */
  readonly overrun: { readonly attempts: number; readonly nano: number }
  /** What answers that were used again had cost at list price when they were paid, of requests within the range. */
  readonly savedNano: Saved
}

/** How an answer was used again, nano-USD; `embeddings`: vectors of texts, and whole answers of them. */
export const SAVED_BY = ['cached', 'joined', 'embeddings'] as const
export type Saved = Readonly<Record<(typeof SAVED_BY)[number], number>>

export interface Report {
  readonly groupBy: Dimension
  /** Highest cost first. `group` '' = unknown. Empty when nothing happened. */
  readonly rows: readonly (ReportTotals & { readonly group: string })[]
  readonly total: ReportTotals
}

/** Columns that `entries` and `requests` share. */
const COLUMNS = {
  tenant: 'tenant',
  user: 'user_id',
  tier: 'tier',
  modelRequested: 'model_requested',
  operation: 'operation',
  urgency: 'urgency',
} as const

/** A request that made no call is counted under the model it asked for, and under no provider. */
const OF_REQUEST: Readonly<Record<Dimension, SQL>> = {
  ...mapColumns((column) => sql.raw(`request.${column}`)),
  model: sql.raw('coalesce(last.model, request.model_requested)'),
  provider: sql.raw('last.provider'),
}

const OF_ENTRY: Readonly<Record<Dimension, SQL>> = {
  ...mapColumns((column) => sql.raw(column)),
  model: sql.raw('model'),
  provider: sql.raw('provider'),
}

function mapColumns<T>(of: (column: string) => T): Record<keyof typeof COLUMNS, T> {
  return {
    tenant: of(COLUMNS.tenant),
    user: of(COLUMNS.user),
    tier: of(COLUMNS.tier),
    modelRequested: of(COLUMNS.modelRequested),
    operation: of(COLUMNS.operation),
    urgency: of(COLUMNS.urgency),
  }
}

const EndRow = z.object({
  group: z.string(),
  outcome: z.enum(OUTCOMES),
  isEmbeddings: z.boolean(),
  requests: SafeInteger,
  savedNano: SafeInteger,
})
type EndRow = z.infer<typeof EndRow>

const MoneyRow = z.object({
  group: z.string(),
  attempts: SafeInteger,
  inputTokens: SafeInteger,
  cachedInputTokens: SafeInteger,
  cacheWriteTokens: SafeInteger,
  outputTokens: SafeInteger,
  reasoningTokens: SafeInteger,
  costNano: SafeInteger,
  listNano: SafeInteger,
  unconfirmedAttempts: SafeInteger,
  unconfirmedNano: SafeInteger,
  overrunAttempts: SafeInteger,
  overrunNano: SafeInteger,
})
type MoneyRow = z.infer<typeof MoneyRow>

/** Requests, tokens and money of a time range, by one dimension. Throws like `rowsOf`. */
export async function report(
  ledger: Ledger,
  options: TimeRange & { readonly groupBy: Dimension },
): Promise<Report> {
  const [money, ends] = await Promise.all([
    moneyBy(ledger, OF_ENTRY[options.groupBy], options),
    endsBy(ledger, OF_REQUEST[options.groupBy], options),
  ])
  const groups = new Set([...money, ...ends].map((row) => row.group))
  const rows = [...groups].map((group) => {
    const own = { money: money.filter(inGroup(group)), ends: ends.filter(inGroup(group)) }
    return { group, ...totals(own.money, own.ends) }
  })
  rows.sort((a, b) => b.costNano - a.costNano || (a.group < b.group ? -1 : 1))
  return { groupBy: options.groupBy, rows, total: totals(money, ends) }
}

const inGroup = (group: string) => (row: { group: string }) => row.group === group

const moneyBy = (ledger: Ledger, group: SQL, range: TimeRange): Promise<MoneyRow[]> =>
  rowsOf(
    ledger.db,
    MoneyRow,
    sql`
      select coalesce(${group}, '') as group,
        count(*) as attempts,
        coalesce(sum(input_tokens), 0)::bigint as "inputTokens",
        coalesce(sum(cached_input_tokens), 0)::bigint as "cachedInputTokens",
        coalesce(sum(cache_write_tokens), 0)::bigint as "cacheWriteTokens",
        coalesce(sum(output_tokens), 0)::bigint as "outputTokens",
        coalesce(sum(reasoning_tokens), 0)::bigint as "reasoningTokens",
        sum(cost_nano)::bigint as "costNano",
        sum(coalesce(list_nano, cost_nano))::bigint as "listNano",
        count(*) filter (where status = 'unconfirmed') as "unconfirmedAttempts",
        coalesce(sum(cost_nano) filter (where status = 'unconfirmed'), 0)::bigint as "unconfirmedNano",
        count(*) filter (where overrun_nano > 0) as "overrunAttempts",
        sum(overrun_nano)::bigint as "overrunNano"
      from entries where ${within('admitted_at_ms', range)}
      group by 1`,
  )

const endsBy = (ledger: Ledger, group: SQL, range: TimeRange) =>
  rowsOf(
    ledger.db,
    EndRow,
    sql`
      select coalesce(${group}, '') as group, outcome,
        request.operation is not distinct from 'embeddings' as "isEmbeddings",
        count(*) as requests, coalesce(sum(saved_nano), 0)::bigint as "savedNano"
      from requests request
      left join lateral (
        select model, provider from entries where job = request.job
        order by n desc, admitted_at_ms desc, attempt limit 1
      ) last on true
      where ${within('request.ended_at_ms', range)}
      group by 1, 2, 3`,
  )

const savedBy = ({ outcome, isEmbeddings }: EndRow): keyof Saved | null => {
  if (isEmbeddings) return 'embeddings'
  return outcome === 'cached' || outcome === 'joined' ? outcome : null
}

function savedIn(ends: readonly EndRow[]): Saved {
  const saved = { cached: 0, joined: 0, embeddings: 0 }
  for (const row of ends) {
    const by = savedBy(row)
    if (by) saved[by] += row.savedNano
  }
  return saved
}

function totals(money: readonly MoneyRow[], ends: readonly EndRow[]): ReportTotals {
  const requests = noOutcomes()
  for (const row of ends) requests[row.outcome] += row.requests
  const sum = (field: Exclude<keyof MoneyRow, 'group'>) =>
    money.reduce((total, row) => total + row[field], 0)
  return {
    requests,
    attempts: sum('attempts'),
    inputTokens: sum('inputTokens'),
    cachedInputTokens: sum('cachedInputTokens'),
    cacheWriteTokens: sum('cacheWriteTokens'),
    outputTokens: sum('outputTokens'),
    reasoningTokens: sum('reasoningTokens'),
    costNano: sum('costNano'),
    listNano: sum('listNano'),
    unconfirmed: { attempts: sum('unconfirmedAttempts'), nano: sum('unconfirmedNano') },
    overrun: { attempts: sum('overrunAttempts'), nano: sum('overrunNano') },
    savedNano: savedIn(ends),
  }
}
