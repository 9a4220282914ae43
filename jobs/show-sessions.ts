import { createSessionGauges } from '../src/access/sessions/gauges.ts'
import { redisSessions } from '../src/access/sessions/redis/sessions.ts'
import type { Runtime } from '../src/runtime.ts'
import type { ScheduledJob } from './runner.ts'

type Show = ReturnType<typeof createSessionGauges>

/** One set of gauges for each process that a test or a program runs. */
const shown = new WeakMap<Runtime['metrics'], Show>()

/**
 * Forgets sessions of the application that ended by themselves, and shows how many are open where metrics are scraped.
 * Without Redis they live in the application's own process.
 */
export const showSessions: ScheduledJob = {
  name: 'show-sessions',
  schedule: '45 * * * * *',
  async run({ redis, metrics, options }) {
    if (redis === null) return undefined
    const show = shown.get(metrics) ?? createSessionGauges(metrics.registry)
    shown.set(metrics, show)
    const sessions = redisSessions({ redis: redis.commands, prefix: options.BURSAR_PREFIX })
    const ended = await sessions.cleanUp()
    show(await sessions.stats())
    return ended === 0 ? undefined : { ended }
  },
}
