import type { CacheStats } from '../data/types.ts'
import { type Figures, hitRate, mergeFigures, timeAt } from './figures.ts'

/** Figures of some days as people read them, most asked for first. */
export function toStats(lines: readonly Figures[]): CacheStats[] {
  const merged = mergeFigures(lines, ({ namespace, tenant }) => ({ namespace, tenant }))
  return merged
    .map(statsOf)
    .toSorted(
      (a, b) => b.hits + b.misses - a.hits - a.misses || (a.namespace < b.namespace ? -1 : 1),
    )
}

const statsOf = ({ namespace, tenant, counts, times }: Figures): CacheStats => ({
  ...{ namespace, tenant },
  ...counts,
  hitRate: hitRate(counts),
  readMs: { p50: timeAt(times, 0.5), p95: timeAt(times, 0.95), p99: timeAt(times, 0.99) },
})
