import type { Redis } from 'ioredis'
import { z } from 'zod'
import { slotKeys } from '../admission/keys.ts'
import { loadScript } from '../admission/redis/load-script.ts'
import { runScript } from '../admission/redis/run-script.ts'
import { redisError } from './check-redis.ts'
import { userKey } from './user-key.ts'

const script = loadScript(new URL('./publish-tiers.lua', import.meta.url))

const TierChangeSchema = z.object({
  /** The ledger's number; a later one of the same user wins. */
  version: z.int().min(1),
  tenant: z.string(),
  user: z.string(),
  /** null = none is set any more. */
  tier: z.string().nullable(),
  /** First instant at which it counts no more; null = until it is changed. */
  untilMs: z.int().nullable(),
})
export type TierChange = Readonly<z.infer<typeof TierChangeSchema>>

/**
 * Where the tiers that users were given are kept beside the slot, so that every process knows them. The ledger has them
 * too, and why. Every method throws STORE_UNAVAILABLE.
 */
export interface TierShelf {
  /** Number of the newest change here; 0 = none. All before it are here as well. */
  version(): Promise<number>
  /** Puts changes here, in order. Again is harmless. */
  publish(changes: readonly TierChange[]): Promise<void>
  /** The newest change of each user after a version, in order, at most `limit`. */
  read(newerThan: number, limit: number): Promise<readonly TierChange[]>
}

/** The shelf that all processes of a slot share. */
export function redisTiers(redis: Redis, prefix: string): TierShelf {
  const { tiers, tiersAt } = slotKeys(prefix)
  return {
    version: () =>
      asking(async () => {
        const [, version = '0'] = await redis.zrange(tiersAt, '-1', '-1', 'WITHSCORES')
        return Number(version)
      }),
    publish: (changes) =>
      asking(async () => {
        const words = changes.flatMap((change) => [
          change.version,
          userKey(change.tenant, change.user),
          JSON.stringify(TierChangeSchema.parse(change)),
        ])
        if (words.length > 0) await runScript(redis, script, [tiers, tiersAt], words)
      }),
    read: (newerThan, limit) =>
      asking(async () => {
        const users = await redis.zrangebyscore(tiersAt, `(${newerThan}`, '+inf', 'LIMIT', 0, limit)
        if (users.length === 0) return []
        const texts = await redis.hmget(tiers, ...users)
        return texts.flatMap((text) =>
          text === null ? [] : [TierChangeSchema.parse(JSON.parse(text))],
        )
      }),
  }
}

async function asking<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question()
  } catch (error) {
    throw redisError(error)
  }
}

/** The shelf of a process that is alone. */
export function memoryTiers(): TierShelf {
  const newest = new Map<string, TierChange>()
  let version = 0
  return {
    version: async () => version,
    async publish(changes) {
      for (const change of changes) {
        const user = userKey(change.tenant, change.user)
        if (change.version > (newest.get(user)?.version ?? 0)) newest.set(user, change)
        version = Math.max(version, change.version)
      }
    },
    read: async (newerThan, limit) =>
      [...newest.values()]
        .filter((change) => change.version > newerThan)
        .toSorted((a, b) => a.version - b.version)
        .slice(0, limit),
  }
}

const PAGE_CHANGES = 500

/**
 * Brings what the ledger has and the shelf lacks to the shelf: after each change, and again and again by a job.
 * @param after - changes of the ledger after a version, in order.
 * @returns how many were brought.
 */
export async function publishTiers(
  shelf: TierShelf,
  after: (version: number, limit: number) => Promise<readonly TierChange[]>,
): Promise<number> {
  let published = 0
  for (let version = await shelf.version(); ; ) {
    const changes = await after(version, PAGE_CHANGES)
    await shelf.publish(
      changes.map(({ version: at, tenant, user, tier, untilMs }) => ({
        ...{ version: at, tenant, user, tier, untilMs },
      })),
    )
    published += changes.length
    const last = changes.at(-1)
    if (!last || changes.length < PAGE_CHANGES) return published
    version = last.version
  }
}
