import { unendedJobs } from '../src/ledger/queries/unended-jobs.ts'
import { endLost } from '../src/queue/end-lost.ts'
import type { ScheduledJob } from './runner.ts'

/** Of more than these the newest: each costs the queue a look. */
const MOST_REQUESTS = 500
/** Ends are remembered for three days: within two, a request that ended is never taken for lost. */
const LOOK_BACK_MS = 48 * 3_600_000

/** Gives requests an outcome whose process died while it called for them, once their holds have expired. */
export const endLostRequests: ScheduledJob = {
  name: 'end-lost-requests',
  schedule: '*/15 * * * * *',
  async run({ ledger, store, queues, options, metrics, clock }) {
    // In virtual time nothing is ever late.
    if (clock.virtual) return undefined
    const parts = { store, queues, resultTtlMs: options.RESULT_TTL_MS }
    const unended = await unendedJobs(ledger, clock.now() - LOOK_BACK_MS, MOST_REQUESTS)
    let ended = 0
    for (const { job, meta } of unended) {
      if (!(await endLost(job, meta, parts))) continue
      metrics.requests.inc({ outcome: 'failed', tier: meta.tier })
      ended += 1
    }
    return ended > 0 ? { ended } : undefined
  },
}
