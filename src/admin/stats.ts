import { z } from 'zod'
import { readVersion } from '../config/version.ts'
import { QUEUES } from '../queue/names.ts'
import type { Queues } from '../queue/queues.ts'
import type { AdminCommand } from './command.ts'

const count = z.int().min(0)
const QueueSchema = z.object({
  queue: z.enum(QUEUES),
  /** Waiting for a worker, taken by one, and parked. */
  ...{ waiting: count, active: count, parked: count },
})
const StatsSchema = z.object({
  version: z.string(),
  /** Of the process that answers: the gateway that was asked, else the command line itself. */
  process: z.object({
    pid: count,
    node: z.string(),
    uptimeSeconds: count,
    ...{ rssBytes: count, heapUsedBytes: count },
  }),
  queues: z.array(QueueSchema),
  /** Of the whole Redis server; null = embedded. */
  redis: z.object({ usedBytes: count, maxBytes: count.nullable() }).nullable(),
})
export type Stats = Readonly<z.infer<typeof StatsSchema>>

const InputSchema = z.strictObject({})

/** How long a process runs, what it takes, and what waits. Throws STORE_UNAVAILABLE. */
export const statsCommand: AdminCommand<Readonly<z.infer<typeof InputSchema>>, Stats> = {
  name: 'stats',
  role: 'viewer',
  summary: 'How long the process runs, the memory it and Redis take, and what waits in the queues.',
  input: InputSchema,
  output: StatsSchema,
  async run(place) {
    const [queues, cache] = [await place.queues(), await place.cache()]
    const { rss, heapUsed } = process.memoryUsage()
    return {
      version: readVersion(),
      process: {
        ...{ pid: process.pid, node: process.version, rssBytes: rss, heapUsedBytes: heapUsed },
        uptimeSeconds: Math.floor(process.uptime()),
      },
      queues: await Promise.all(QUEUES.map((name) => countIn(name, queues))),
      redis: await cache.memory(),
    }
  },
}

async function countIn(queue: (typeof QUEUES)[number], queues: Queues) {
  const of = queues[queue]
  const [waiting, active, parked] = await Promise.all([
    of.getJobCountByTypes('waiting', 'prioritized'),
    of.getActiveCount(),
    of.getDelayedCount(),
  ])
  return { queue, waiting, active, parked }
}
