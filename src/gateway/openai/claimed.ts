import type { FastifyRequest } from 'fastify'
import type { StreamRequest } from '../../client/types.ts'
import { BursarError } from '../../errors.ts'
import { newJobId } from '../../queue/ids.ts'
import { ENDED_AS } from '../../queue/receipt.ts'
import { keyOf } from '../authorize.ts'
import { outcomeOf } from '../find-job.ts'
import type { GatewayRuntime } from '../parts.ts'
import { assertSame, bodyDigest, claimKey, memoryClaims, redisClaims } from './idempotency.ts'
import type { OpenAiRequest } from './read-request.ts'

/** A request, and the job that stands for it. */
export interface Claimed {
  /** Under the job's id, when the caller sent a key. */
  readonly asked: StreamRequest
  /** null = the caller sent no key: nobody comes back for the answer. */
  readonly jobId: string | null
  /** To be called when it brought no answer: sent again, it is asked anew if it has ended. */
  failed(): Promise<void>
}

type Runtime = Pick<GatewayRuntime, 'redis' | 'guard' | 'store' | 'options'>

const LONGEST_KEY = 255
const ANSWERED: readonly unknown[] = Object.values(ENDED_AS)

/**
 * Honours `Idempotency-Key`: the same key and request are one job and one answer, for a day.
 * @returns looks a request up. It throws BursarError INVALID_REQUEST, IDEMPOTENCY_CONFLICT, STORE_UNAVAILABLE.
 */
export function claimed(runtime: Runtime) {
  const { redis, guard, options, store } = runtime
  const claims = redis ? redisClaims(redis.commands, options.BURSAR_PREFIX) : memoryClaims()
  // A Redis that is away is not waited for.
  const bounded = <T>(work: () => Promise<T>) => (guard ? guard.run(work) : work())

  return async (
    request: FastifyRequest,
    path: string,
    { asked }: OpenAiRequest,
  ): Promise<Claimed> => {
    const word = keyIn(request)
    if (word === null) return { asked, jobId: null, failed: async () => {} }
    const key = claimKey(word, [keyOf(request)?.id, asked.tenant, asked.user])
    const body = bodyDigest(path, request.body)
    const claim = await bounded(() => claims.take(key, { job: newJobId(), body }))
    assertSame(claim, body)
    const { job } = claim
    return {
      asked: { ...asked, jobId: job },
      jobId: job,
      async failed() {
        const stored = await store.result(job).catch(() => null)
        if (stored === null || ANSWERED.includes(outcomeOf(stored))) return
        await bounded(() => claims.drop(key, job)).catch(() => {})
      },
    }
  }
}

function keyIn({ headers }: FastifyRequest): string | null {
  const word = headers['idempotency-key']
  if (word === undefined || word === '') return null
  if (typeof word === 'string' && word.length <= LONGEST_KEY) return word
  throw new BursarError(
    'INVALID_REQUEST',
    `Idempotency-Key is longer than ${LONGEST_KEY} characters, or there twice: send one, e.g. a UUID`,
    { detail: { param: 'Idempotency-Key' } },
  )
}
