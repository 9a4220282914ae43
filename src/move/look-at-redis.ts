import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { slotKeys } from '../admission/keys.ts'
import { redisError } from '../queue/check-redis.ts'
import { QUEUES, type QueueName } from '../queue/names.ts'
import type { Occupancy } from './look-at-database.ts'

const STATES = [
  ...(['active', 'prioritized', 'waiting', 'delayed', 'waiting-children'] as const),
  ...(['completed', 'failed'] as const),
]

/** Where to look. */
export interface RedisPlace {
  /** For commands, and for BullMQ, which waits as long as it takes. */
  readonly redis: Redis
  readonly connection: Redis
  readonly prefix: string
  readonly queuePrefix: string
}

/**
 * Looks whether a Redis has a slot or jobs. Reads only.
 * @throws {BursarError} STORE_UNAVAILABLE, REDIS_UNSUITABLE.
 */
export async function lookAtRedis(place: RedisPlace, move: string | null): Promise<Occupancy> {
  try {
    const found = await leftInSlot(place.redis, place.prefix, move)
    if (found === null) return { is: 'ours' }
    for (const name of QUEUES) {
      const count = await countJobsOf(place, name)
      if (count > 0) found.push(`${count} jobs in the queue ${place.queuePrefix}:${name}`)
    }
    return found.length > 0 ? { is: 'taken', found } : { is: 'empty' }
  } catch (error) {
    throw redisError(error)
  }
}

async function countJobsOf({ connection, queuePrefix }: RedisPlace, name: QueueName) {
  // A queue that is opened to be used writes its version and settings; this one leaves nothing.
  const queue = new Queue(name, { connection, prefix: queuePrefix, skipMetasUpdate: true })
  queue.on('error', () => {})
  try {
    return await queue.getJobCountByTypes(...STATES)
  } finally {
    await queue.close()
  }
}

/** @returns the keys that are there; null when all of it is this move's. */
async function leftInSlot(
  redis: Redis,
  prefix: string,
  move: string | null,
): Promise<string[] | null> {
  const keys = slotKeys(prefix)
  if (move !== null && (await redis.get(keys.move)) === move) return null
  const names = [keys.slot, keys.windows, keys.exp, keys.out, keys.gates, keys.policy, keys.move]
  const there = await Promise.all(names.map((name) => redis.exists(name)))
  return names.filter((_, at) => there[at] === 1).map((name) => `the key ${name} in Redis`)
}
