import { createMemoryStore } from '../admission/memory.ts'
import { limitsFor } from '../admission/plan/limit-lines.ts'
import type { Policy } from '../config/policy-types.ts'
import { type CompletionJob, metaOf } from '../queue/job.ts'
import { rateLimited } from '../queue/producer.ts'
import type { Guard } from './guard.ts'

/** Request limits of a process that cannot ask how often others were asked. */
export interface OutageLimits {
  /**
   * Counts a request, unless policy lets everything pass meanwhile.
   * @param isHit - it is answered from the cache, which some limits do not count.
   * @throws {BursarError} RATE_LIMITED.
   */
  count(job: CompletionJob, policy: Policy, isHit: boolean): Promise<void>
}

/** Each time without Redis begins with nothing counted. */
export function createOutageLimits(guard: Guard): OutageLimits {
  const fresh = async () => {
    const store = createMemoryStore({ clock: Date.now })
    await store.open(1)
    return store
  }
  let counted = fresh()
  guard.onChange((isAway) => {
    if (isAway) counted = fresh()
  })
  return {
    async count(job, policy, isHit) {
      if (policy.defaults.outageLimits === 'open') return
      const named = limitsFor(policy, job).filter(
        ({ counts, line }) =>
          counts === 'requests' &&
          !(isHit && line.kind !== 'concurrent' && line.countCached === false),
      )
      const reply = await (await counted).intake({
        job: job.id,
        limits: named.map(({ line }) => line),
        cacheKey: null,
        meta: JSON.stringify(metaOf(job)),
        body: null,
      })
      if (reply.outcome === 'refused') throw rateLimited(job, named, reply)
    },
  }
}
