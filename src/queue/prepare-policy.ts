import { readCacheKeys } from '../cache/codec/keys.ts'
import { requireKeys } from '../cache/responses/keeper.ts'
import { withDefaultLimit } from '../config/default-limit.ts'
import type { Options } from '../config/options.ts'
import type { Policy } from '../config/policy-types.ts'

/** What of the options a policy is judged and completed by. */
export type PolicyOptions = Pick<
  Options,
  'BURSAR_CACHE_KEYS' | 'RATE_LIMIT_ENABLED' | 'RATE_LIMIT_REQUESTS' | 'RATE_LIMIT_WINDOW'
>

/**
 * Makes of a policy that was read the one that may be put in force.
 * @throws {BursarError} INVALID_OPTIONS when it wants keys that nobody has.
 */
export function preparePolicy(read: Policy, options: PolicyOptions): Policy {
  requireKeys(read, readCacheKeys(options.BURSAR_CACHE_KEYS))
  return withDefaultLimit(read, options)
}
