import type { Policy } from '../../config/policy-types.ts'
import type { Clock } from '../../queue/clock.ts'
import type { Queues } from '../../queue/queues.ts'

const MINUTE_MS = 60_000
/** No timezone cuts its hours anywhere else. */
const QUARTER_MS = 15 * MINUTE_MS
/** Workers learn the time a little later than the driver; a job that they took too early would be parked once more. */
const LAG_MS = 20_000
const PAGE_JOBS = 1_000

/** Brings jobs that wait for money back when a window may have rolled. Call `look` often. */
export interface Promoter {
  look(): Promise<void>
}

export function createPromoter(queues: Queues, clock: Clock, policy: Policy): Promoter {
  const stepMs = rollsByMinute(policy) ? MINUTE_MS : QUARTER_MS
  const stepAt = () => Math.floor((clock.now() - LAG_MS) / stepMs)
  let step = stepAt()
  return {
    async look() {
      if (stepAt() === step) return
      step = stepAt()
      await queues.batch.promoteJobs({ count: PAGE_JOBS })
    },
  }
}

function rollsByMinute({ budgets, tiers }: Policy): boolean {
  const funds = [...budgets, ...Object.values(tiers).map(({ budget }) => budget)]
  return funds.some((fund) => fund?.per === 'minute')
}
