import type { Quota } from '../quota.ts'
import type { Identity } from '../types.ts'
import { useBursar } from './context.ts'
import { type QueryOptions, type QueryResult, useQuery } from './use-query.ts'

const TTL_MS = 5_000

/** What the budgets and limits of somebody still allow. */
export function useQuota(who: Identity, options: QueryOptions = {}): QueryResult<Quota> {
  const { client } = useBursar()
  return useQuery({
    key: `quota/${JSON.stringify(Object.entries(who).toSorted())}`,
    load: () => client.quota(who),
    ttlMs: TTL_MS,
    ...options,
  })
}
