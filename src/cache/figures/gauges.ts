import { Gauge, type Registry } from 'prom-client'
import type { Outcome } from '../../admission/outbox.ts'
import type { Nano } from '../../money/nano.ts'
import { COUNTED, type Figures, hitRate, mergeFigures, timeAt } from './figures.ts'

/** What the cache did, for whoever scrapes a process that runs jobs. */
export interface CacheGauges {
  /** @param lines - of today (UTC), of all processes. */
  showData(lines: readonly Figures[]): void
  /**
   * @param counts - requests that ended within the last hour, by outcome.
   * @param savedNano - what those of them that were served again had cost when they were paid.
   */
  showAnswers(counts: Readonly<Record<Outcome, number>>, savedNano: Nano): void
}

const QUANTILES = [0.5, 0.95, 0.99]

/** Tenants are no label: there may be any number of them. `bursar cache stats` tells them apart. */
export function createCacheGauges(registry: Registry): CacheGauges {
  const registers = [registry]
  const gauge = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Gauge({ name: `bursar_cache_${name}`, help, labelNames, registers })
  const data = gauge('data', 'Cached data of today, UTC, by what became of it', [
    'namespace',
    'what',
  ])
  const ratio = gauge('data_hit_ratio', 'Hits and joins of what was asked for today', ['namespace'])
  const seconds = gauge('data_read_seconds', 'Time of reads of today', ['namespace', 'quantile'])
  const answers = gauge('answers', 'Answers of the last hour, by how they came', ['outcome'])
  const free = gauge('answers_hit_ratio', 'Hits and joins of the answers of the last hour')
  const saved = gauge('saved_nano_usd', 'What the cache saved in the last hour, nano-USD')
  return {
    showData(lines) {
      for (const one of [data, ratio, seconds]) one.reset()
      const merged = mergeFigures(lines, ({ namespace }) => ({ namespace, tenant: '' }))
      for (const { namespace, counts, times } of merged) {
        for (const what of COUNTED) data.set({ namespace, what }, counts[what])
        ratio.set({ namespace }, hitRate(counts) ?? 0)
        for (const quantile of QUANTILES) {
          seconds.set({ namespace, quantile }, (timeAt(times, quantile) ?? 0) / 1_000)
        }
      }
    },
    showAnswers({ cached, joined, answered }, savedNano) {
      saved.set(savedNano)
      answers.set({ outcome: 'cached' }, cached)
      answers.set({ outcome: 'joined' }, joined)
      answers.set({ outcome: 'answered' }, answered)
      const all = cached + joined + answered
      free.set(all === 0 ? 0 : (cached + joined) / all)
    },
  }
}
