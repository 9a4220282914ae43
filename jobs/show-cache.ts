import { dataPrefix } from '../src/cache/data/redis-store.ts'
import { type CacheGauges, createCacheGauges } from '../src/cache/figures/gauges.ts'
import { redisFigures } from '../src/cache/figures/redis-figures.ts'
import { outcomeCounts } from '../src/ledger/queries/outcome-counts.ts'
import { savedTotal } from '../src/ledger/queries/saved-total.ts'
import type { Runtime } from '../src/runtime.ts'
import type { ScheduledJob } from './runner.ts'

const HOUR_MS = 3_600_000

/** One set of gauges for each process that a test or a program runs. */
const shown = new WeakMap<Runtime['metrics'], CacheGauges>()

/** Shows the figures of the cache where metrics are scraped. */
export const showCache: ScheduledJob = {
  name: 'show-cache',
  schedule: '15 * * * * *',
  async run({ redis, metrics, options, ledger, clock }) {
    const gauges = shown.get(metrics) ?? createCacheGauges(metrics.registry)
    shown.set(metrics, gauges)
    const nowMs = clock.now()
    const range = { fromMs: nowMs - HOUR_MS }
    gauges.showAnswers(await outcomeCounts(ledger, range), await savedTotal(ledger, range))
    if (redis) {
      const figures = redisFigures(redis.commands, dataPrefix(options.BURSAR_PREFIX))
      gauges.showData(await figures.read(1, Date.now()))
    }
    return undefined
  },
}
