import { dueToday } from '../src/cache/data/daily.ts'
import { dropOnce } from '../src/cache/data/drop-once.ts'
import { createNamespaces } from '../src/cache/data/namespaces.ts'
import { dataPrefix, redisDataStore } from '../src/cache/data/redis-store.ts'
import type { ScheduledJob } from './runner.ts'

/** Drops, once a day, what is not to be known any longer than until then. Embedded, programs keep data in their own memory. */
export const refreshNamespaces: ScheduledJob = {
  name: 'refresh-namespaces',
  schedule: '30 * * * * *',
  async run({ redis, rules, options, clock }) {
    if (!redis) return undefined
    const { timezone, cache } = rules.current().policy
    const due = dueToday(createNamespaces(cache.namespaces ?? {}), timezone, clock.now())
    const store = redisDataStore(redis.commands, dataPrefix(options.BURSAR_PREFIX))
    const refreshed: Record<string, number> = {}
    for (const { namespace, day } of due) {
      const dropped = await dropOnce(store, namespace, day)
      if (dropped !== null) refreshed[namespace] = dropped
    }
    return refreshed
  },
}
