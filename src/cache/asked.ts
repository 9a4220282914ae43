import { z } from 'zod'
import {
  CACHE_MODES,
  CACHE_SHARES,
  type CacheMode,
  type CacheShare,
} from '../config/cache-types.ts'
import { parseDuration } from '../config/units.ts'
import type { CacheAsked } from './rules.ts'

const LONGEST_TTL_MS = 365 * 24 * 3_600_000
const TTL = 'write a time such as 10m, or milliseconds'
const FORMS = `write true, false, a mode (${CACHE_MODES.join(', ')}), or { mode, ttl, share }`

const ttl = z
  .union([z.number(), z.string().transform(parseDuration)], { error: TTL })
  .pipe(z.int({ error: TTL }).min(1, TTL).max(LONGEST_TTL_MS, 'a year at most'))

/** What a request says of the cache, as an app writes it. */
export const CacheOptionSchema = z
  .union(
    [
      z.boolean().transform((on): { mode: CacheMode } => ({ mode: on ? 'on' : 'off' })),
      z.enum(CACHE_MODES).transform((mode) => ({ mode })),
      z.strictObject({
        mode: z.enum(CACHE_MODES).exactOptional(),
        ttl: ttl.exactOptional(),
        share: z.enum(CACHE_SHARES).exactOptional(),
      }),
    ],
    { error: FORMS },
  )
  .transform((asked): CacheAsked => {
    const { mode, ttl: ttlMs, share } = { ttl: undefined, share: undefined, ...asked }
    return {
      ...(mode !== undefined && { mode }),
      ...(ttlMs !== undefined && { ttlMs }),
      ...(share !== undefined && { share }),
    }
  })

/** The same, as an app's compiler reads it. */
export type CacheOption =
  | boolean
  | CacheMode
  | {
      /** Absent = the policy's. */
      readonly mode?: CacheMode
      /** How long the answer is kept: `10m`, or milliseconds. */
      readonly ttl?: string | number
      /** Who may be served the answer; wider than the policy's changes nothing. */
      readonly share?: CacheShare
    }

/** What was asked, as it travels with a job. */
export const CacheAskedSchema = z.object({
  mode: z.enum(CACHE_MODES).exactOptional(),
  ttlMs: z.int().min(1).exactOptional(),
  share: z.enum(CACHE_SHARES).exactOptional(),
})
