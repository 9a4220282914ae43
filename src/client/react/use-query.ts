import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react'
import { useBursar } from './context.ts'
import type { Load, Query } from './query-store.ts'

export interface QueryOptions {
  /** False = it is not asked, unless by `refetch`. Absent = true. */
  readonly enabled?: boolean
  /** How old an answer may be for a component that comes, ms. */
  readonly ttlMs?: number
  /** Asks again so often while it is shown, ms; absent = only when somebody comes. */
  readonly refreshMs?: number
}

export interface QueryResult<T> extends Query<T> {
  /** Asks now. Resolves when it was answered or failed. */
  refetch(): Promise<void>
}

export interface Question<T> extends QueryOptions {
  /** What is the same under this name is asked once. */
  readonly key: string
  readonly load: Load<T>
  /** Counted under it; absent = the key's first part. */
  readonly group?: string
  readonly ttlMs: number
}

const NOTHING: Query<never> = { data: undefined, error: null, isLoading: false, updatedAtMs: null }
const nothing = () => NOTHING

/** One question of a component: asked when it is shown, aborted when nobody shows it any more. */
export function useQuery<T>(question: Question<T>): QueryResult<T> {
  const {
    key,
    load,
    ttlMs,
    enabled = true,
    refreshMs,
    group = key.split('/', 1)[0] ?? '',
  } = question
  const { queries } = useBursar()
  const subscribe = useCallback((tell: () => void) => queries.subscribe(key, tell), [queries, key])
  const query = useSyncExternalStore<Query<T>>(subscribe, () => queries.read<T>(key), nothing)

  // The load that was rendered last: a new function is no new question.
  const latest = useRef(load)
  useEffect(() => {
    latest.current = load
  })
  const refetch = useCallback(
    () => queries.refetch<T>(key, (signal) => latest.current(signal)),
    [queries, key],
  )
  useEffect(() => {
    if (enabled) queries.ensure<T>(key, (signal) => latest.current(signal), ttlMs, group)
  }, [queries, key, enabled, ttlMs, group])
  useEffect(() => {
    if (!enabled || refreshMs === undefined) return
    const timer = setInterval(() => void refetch(), refreshMs)
    return () => clearInterval(timer)
  }, [refetch, enabled, refreshMs])

  return { ...query, refetch }
}
