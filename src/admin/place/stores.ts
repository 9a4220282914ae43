import type { Redis } from 'ioredis'
import type { Environment, Options } from '../../config/options.ts'
import { redisBackend } from '../../queue/backend.ts'
import { redisError } from '../../queue/check-redis.ts'
import { connectCommands } from '../../queue/connection.ts'
import { redisShelf } from '../../queue/published-policy.ts'
import { closeQueues, openQueues, type Queues } from '../../queue/queues.ts'
import type { AdminPlace } from '../command.ts'
import { cacheOver } from './cache.ts'
import { openLedgerToRead } from './read-ledger.ts'
import { openSlotPlace, PATIENCE_MS, redisUrlOf } from './redis-slot.ts'
import { openWarming } from './warming.ts'

/** A place, and how to leave it. */
export interface OpenPlace extends AdminPlace {
  close(): Promise<void>
}

/**
 * Redis and PostgreSQL, over connections of its own: a long question takes nothing from those of the hot path. Nothing
 * is opened before it is asked for, and an address that is missing is missed no sooner.
 * @param env - where values of a policy's ${NAME} are read from; absent = none has one.
 */
export function storesPlace(options: Options, env: Environment = {}): OpenPlace {
  const closers: (() => Promise<unknown>)[] = []
  const once = <T>(open: () => Promise<T>, close: (opened: T) => Promise<unknown>) => {
    let opened: Promise<T> | undefined
    return () => {
      opened ??= open().then((one) => {
        closers.push(() => close(one))
        return one
      })
      return opened
    }
  }
  const link = once(
    () => connectQueues(options),
    async ({ queues, redis }) => {
      await closeQueues(queues)
      redis.disconnect()
    },
  )
  const shelf = async () => redisShelf((await link()).redis, options.BURSAR_PREFIX)
  const slot = once(
    () => openSlotPlace(options),
    (opened) => opened.close(),
  )
  return {
    ledger: once(
      () => openLedgerToRead(options),
      (ledger) => ledger.close(),
    ),
    slot,
    repair: slot,
    queues: async () => (await link()).queues,
    tiers: async () => (await shelf()).tiers,
    cache: async () => cacheOver((await link()).redis, options.BURSAR_PREFIX),
    warming: once(
      () => openWarming(options),
      (opened) => opened.close(),
    ),
    policies: { env, options, publish: async (policy) => (await shelf()).publish(policy) },
    async close() {
      for (const close of closers.splice(0).toReversed()) await close()
    },
  }
}

async function connectQueues(options: Options): Promise<{ queues: Queues; redis: Redis }> {
  const url = redisUrlOf(options)
  const redis = connectCommands({ url, name: 'bursar-cli', timeoutMs: PATIENCE_MS })
  try {
    await redis.connect()
    return { redis, queues: openQueues(redisBackend(redis, options.BURSAR_QUEUE_PREFIX)) }
  } catch (error) {
    redis.disconnect()
    throw redisError(error)
  }
}
