import { isJson, unreadable } from '../http/read-reply.ts'
import { useBursar } from './context.ts'
import { type QueryOptions, type QueryResult, useQuery } from './use-query.ts'

/** A question that a key with the role viewer may ask, as `bursar report` does. */
export interface UsageQuestion {
  /** e.g. `tier`, `tenant`, `user`, `model`. Absent = `tier`. */
  readonly by?: string
  /** ms since 1970; absent = from the beginning, up to now. */
  readonly fromMs?: number
  readonly toMs?: number
}

/** Requests, tokens and nano-USD of one group. */
export interface UsageRow {
  readonly group: string
  /** How many ended how: `answered`, `cached`, `refused`, ... */
  readonly requests: Readonly<Record<string, number>>
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costNano: number
}

export interface Usage {
  readonly rows: readonly UsageRow[]
  readonly total: Omit<UsageRow, 'group'>
}

const TTL_MS = 30_000

/** What was used and what it cost, by a dimension. For pages of operators: it needs the role viewer. */
export function useUsage(
  question: UsageQuestion = {},
  options: QueryOptions = {},
): QueryResult<Usage> {
  const { askOperator } = useBursar()
  return useQuery({
    key: `usage/${JSON.stringify(Object.entries(question).toSorted())}`,
    load: async (signal) => readUsage(await askOperator('report', question, signal)),
    ttlMs: TTL_MS,
    ...options,
  })
}

/** @throws {BursarError} UNREADABLE_REPLY. */
function readUsage({ report }: Readonly<Record<string, unknown>>): Usage {
  if (!isJson(report) || !Array.isArray(report.rows) || !isJson(report.total)) {
    throw unreadable('report')
  }
  return report as unknown as Usage
}
