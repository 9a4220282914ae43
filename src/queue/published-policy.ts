import type { Redis } from 'ioredis'
import { z } from 'zod'
import { slotKeys } from '../admission/keys.ts'
import { loadScript } from '../admission/redis/load-script.ts'
import { runScript } from '../admission/redis/run-script.ts'
import type { Environment } from '../config/options.ts'
import { policyFromJson, policyToJson } from '../config/policy-json.ts'
import type { Policy } from '../config/policy-types.ts'
import { redisError } from './check-redis.ts'
import { memoryTiers, redisTiers, type TierShelf } from './tier-shelf.ts'

const script = loadScript(new URL('./publish-policy.lua', import.meta.url))
const Version = z.coerce.number().int().min(0)

/** Where the policy in force is kept beside the slot, so that clients need no file. */
export interface PolicyShelf {
  /** The tiers that users were given, which no file has. */
  readonly tiers: TierShelf
  /**
   * Publishes a registered policy; an older one than is known changes nothing. Keys of providers stay here.
   * @returns whether it is the newest now.
   * @throws {BursarError} STORE_UNAVAILABLE.
   */
  publish(policy: Policy): Promise<boolean>
  /**
   * Reads the published policy when it is newer.
   * @param newerThan - a version; -1 = any.
   * @param env - where keys of providers are read from again.
   * @returns null when there is none newer.
   * @throws {BursarError} STORE_UNAVAILABLE, INVALID_POLICY when a later version of Bursar wrote it.
   */
  read(newerThan: number, env?: Environment): Promise<Policy | null>
}

/** The shelf that all processes of a slot share. */
export function redisShelf(redis: Redis, prefix: string): PolicyShelf {
  const { policy: key, policyChannel } = slotKeys(prefix)
  return {
    tiers: redisTiers(redis, prefix),
    async publish(policy) {
      const body = JSON.stringify(policyToJson(policy))
      try {
        const reply = await runScript(redis, script, [key], [policy.version, body, policyChannel])
        return reply === 1
      } catch (error) {
        throw redisError(error)
      }
    },
    async read(newerThan, env = {}) {
      try {
        const version = await redis.hget(key, 'version')
        if (version === null || Version.parse(version) <= newerThan) return null
        const [now, body] = await redis.hmget(key, 'version', 'body')
        if (!now || !body) return null
        return policyFromJson(JSON.parse(body), Version.parse(now), env)
      } catch (error) {
        throw redisError(error)
      }
    },
  }
}

/** The shelf of a process that is alone. */
export function memoryShelf(): PolicyShelf {
  let newest: Policy | null = null
  return {
    tiers: memoryTiers(),
    async publish(policy) {
      if (newest && policy.version <= newest.version) return false
      newest = policy
      return true
    },
    read: async (newerThan) => (newest && newest.version > newerThan ? newest : null),
  }
}
