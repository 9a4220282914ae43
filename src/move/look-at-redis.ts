import type { Redis } from 'ioredis'
import { slotKeys } from '../admission/keys.ts'
import { redisError } from '../queue/check-redis.ts'
import { QUEUES } from '../queue/names.ts'
import type { Queues } from '../queue/queues.ts'
import type { Occupancy } from './look-at-database.ts'

const STATES = [
  ...(['active', 'prioritized', 'waiting', 'delayed', 'waiting-children'] as const),
  ...(['completed', 'failed'] as const),
]

/**
 * Looks whether a Redis has a slot or jobs. Reads only.
 * @throws {BursarError} STORE_UNAVAILABLE, REDIS_UNSUITABLE.
 */
export async function lookAtRedis(
  redis: Redis,
  prefix: string,
  queues: Queues,
  move: string | null,
): Promise<Occupancy> {
  try {
    const found = await leftInSlot(redis, prefix, move)
    if (found === null) return { is: 'ours' }
    for (const name of QUEUES) {
      const count = await queues[name].getJobCountByTypes(...STATES)
      if (count > 0) found.push(`${count} jobs in the queue ${queues[name].opts.prefix}:${name}`)
    }
    return found.length > 0 ? { is: 'taken', found } : { is: 'empty' }
  } catch (error) {
    throw redisError(error)
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
