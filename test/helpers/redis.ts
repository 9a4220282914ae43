import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { inject, test } from 'vitest'
import { openSockets } from './open-sockets.ts'

/** A random key prefix in one Cluster slot, so that tests share one Redis and never flush it. */
export const freshPrefix = (): string => `{t-${randomBytes(6).toString('hex')}}`

/**
 * A connection to a Redis, the shared one unless `url` says otherwise; the caller closes it.
 * @param settings.maxRetriesPerRequest - null, as BullMQ demands for blocking connections; 1 when absent.
 */
export function connectRedis(settings: { url?: string; maxRetriesPerRequest?: null } = {}): Redis {
  const { url = inject('redisUrl'), maxRetriesPerRequest = 1 } = settings
  return new Redis(url, { maxRetriesPerRequest })
}

/** A test with a connection and a prefix of its own. It fails when it leaves a socket open. */
export const redisTest = test.extend<{ redis: Redis; prefix: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the parameter to know what a fixture needs
  prefix: async ({}, use) => {
    await use(freshPrefix())
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  redis: async ({}, use) => {
    const before = openSockets()
    const redis = connectRedis()
    await redis.ping()
    await use(redis)
    await redis.quit()
    await before.stillTheOnlyOnes()
  },
})
