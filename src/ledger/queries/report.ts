import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { MEASURES } from '../cubes/measures.ts'
import { usageOver } from '../cubes/over.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { USAGE_KINDS } from '../tables/cube-columns.ts'
import { noOutcomes, type OutcomeCounts } from './outcome-counts.ts'
import type { TimeRange } from './time-range.ts'

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
  /** Booked, and what was corrected afterwards, nano-USD. */
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

/** Columns of the cubes. A request that made no call is counted under the model it asked for, and under no provider. */
const COLUMNS: Readonly<Record<Dimension, string>> = {
  tenant: 'tenant',
  user: 'user_id',
  tier: 'tier',
  model: 'model',
  provider: 'provider',
  modelRequested: 'model_requested',
  operation: 'operation',
  urgency: 'urgency',
}

/** What cubes add up, as the report names it. */
const SUMS = {
  requests: 'requests',
  attempts: 'calls',
  inputTokens: 'input_tokens',
  cachedInputTokens: 'cached_input_tokens',
  cacheWriteTokens: 'cache_write_tokens',
  outputTokens: 'output_tokens',
  reasoningTokens: 'reasoning_tokens',
  costNano: 'cost_nano',
  listNano: 'list_nano',
  savedNano: 'saved_nano',
  unconfirmedAttempts: 'unconfirmed_calls',
  unconfirmedNano: 'unconfirmed_nano',
  overrunAttempts: 'overrun_calls',
  overrunNano: 'overrun_nano',
} as const
type Sum = keyof typeof SUMS

const SUM_COLUMNS = sql.raw(
  Object.entries(SUMS)
    .map(([name, column]) => `sum(${column})::bigint as "${name}"`)
    .join(', '),
)
const SOMETHING = sql.raw(MEASURES.map((column) => `sum(${column}) <> 0`).join(' or '))

const UsageRow = z.object({
  group: z.string(),
  kind: z.enum(USAGE_KINDS),
  isEmbeddings: z.boolean(),
  requests: SafeInteger,
  attempts: SafeInteger,
  inputTokens: SafeInteger,
  cachedInputTokens: SafeInteger,
  cacheWriteTokens: SafeInteger,
  outputTokens: SafeInteger,
  reasoningTokens: SafeInteger,
  costNano: SafeInteger,
  listNano: SafeInteger,
  savedNano: SafeInteger,
  unconfirmedAttempts: SafeInteger,
  unconfirmedNano: SafeInteger,
  overrunAttempts: SafeInteger,
  overrunNano: SafeInteger,
})
type UsageRow = z.infer<typeof UsageRow>

/** Requests, tokens and money of a time range, by one dimension. Throws like `rowsOf`. */
export async function report(
  ledger: Ledger,
  { groupBy, ...range }: TimeRange & { readonly groupBy: Dimension },
): Promise<Report> {
  const usage = await rowsOf(
    ledger.db,
    UsageRow,
    sql`
      select ${sql.raw(COLUMNS[groupBy])} as group, kind, operation = 'embeddings' as "isEmbeddings", ${SUM_COLUMNS}
      from ${usageOver(range)} usage
      group by 1, 2, 3 having ${SOMETHING}`,
  )
  const groups = new Map<string, UsageRow[]>()
  for (const row of usage) groups.set(row.group, [...(groups.get(row.group) ?? []), row])
  const rows = Array.from(groups, ([group, own]) => ({ group, ...totals(own) }))
  rows.sort((a, b) => b.costNano - a.costNano || (a.group < b.group ? -1 : 1))
  return { groupBy, rows, total: totals(usage) }
}

const savedBy = ({ kind, isEmbeddings }: UsageRow): keyof Saved | null => {
  if (isEmbeddings) return 'embeddings'
  return kind === 'cached' || kind === 'joined' ? kind : null
}

function savedIn(usage: readonly UsageRow[]): Saved {
  const saved = { cached: 0, joined: 0, embeddings: 0 }
  for (const row of usage) {
    const by = savedBy(row)
    if (by) saved[by] += row.savedNano
  }
  return saved
}

function requestsIn(usage: readonly UsageRow[]): OutcomeCounts {
  const requests = noOutcomes()
  for (const { kind, requests: ended } of usage) {
    if (kind !== 'adjustment') requests[kind === 'call' ? 'answered' : kind] += ended
  }
  return requests
}

function totals(usage: readonly UsageRow[]): ReportTotals {
  const sum = (field: Sum) => usage.reduce((total, row) => total + row[field], 0)
  return {
    requests: requestsIn(usage),
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
    savedNano: savedIn(usage),
  }
}
