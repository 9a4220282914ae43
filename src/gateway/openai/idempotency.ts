import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { canonicalJson } from '../../cache/canonical-json.ts'
import { BursarError } from '../../errors.ts'
import { redisError } from '../../queue/check-redis.ts'

const ClaimSchema = z.object({ job: z.string(), body: z.string() })
/** Which job stands for a caller's key, and what was asked under it. */
export type Claim = Readonly<z.infer<typeof ClaimSchema>>

/** Remembers callers' keys. What it forgets costs no money: the same request is then asked anew. */
export interface Claims {
  /** @returns what stands under the key: the given claim where nothing did. */
  take(key: string, claim: Claim): Promise<Claim>
  /** Forgets a key whose job ended without an answer: asked again, it is a new job. */
  drop(key: string, job: string): Promise<void>
}

/** As long as OpenAI's own clients may come back at all. */
const KEPT_MS = 24 * 3_600_000
const KEPT_KEYS = 100_000

/** In Redis, where every gateway sees them. @param prefix - BURSAR_PREFIX: one Bursar's keys are not another's. */
export function redisClaims(redis: Redis, prefix: string): Claims {
  const at = (key: string) => `bursar:claim:${digest(prefix, key)}`
  const asking = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw redisError(error)
    }
  }
  return {
    take: (key, claim) =>
      asking(async () => {
        const before = await redis.set(at(key), JSON.stringify(claim), 'PX', KEPT_MS, 'NX', 'GET')
        return before === null ? claim : ClaimSchema.parse(JSON.parse(before))
      }),
    drop: (key, job) =>
      asking(async () => {
        const now = await redis.get(at(key))
        if (now !== null && ClaimSchema.parse(JSON.parse(now)).job === job) await redis.del(at(key))
      }),
  }
}

/** In a process that is alone. */
export function memoryClaims(): Claims {
  const claims = new LRUCache<string, Claim>({ max: KEPT_KEYS, ttl: KEPT_MS })
  return {
    async take(key, claim) {
      const before = claims.get(key)
      if (before) return before
      claims.set(key, claim)
      return claim
    },
    async drop(key, job) {
      if (claims.get(key)?.job === job) claims.delete(key)
    },
  }
}

/** @param scope - whose key it is: another's same word is another key. */
export const claimKey = (word: string, scope: readonly (string | undefined)[]): string =>
  digest(JSON.stringify(scope), word)

/** What is asked, however its fields are ordered. */
export const bodyDigest = (path: string, body: unknown): string => digest(path, canonicalJson(body))

/** @throws {BursarError} IDEMPOTENCY_CONFLICT when something else was asked under the key. */
export function assertSame(claim: Claim, body: string): void {
  if (claim.body === body) return
  throw new BursarError(
    'IDEMPOTENCY_CONFLICT',
    'another request was sent under this Idempotency-Key: send each request under a key of its own',
    { detail: { jobId: claim.job } },
  )
}

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('base64url')
