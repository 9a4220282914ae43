import type { Policy } from '../../config/policy-types.ts'
import type { Queues } from '../../queue/queues.ts'
import type { DriverClock } from './virtual-clock.ts'

const MINUTE_MS = 60_000
/** No timezone cuts its hours anywhere else. */
const QUARTER_MS = 15 * MINUTE_MS
const PAGE_JOBS = 1_000

/** Brings jobs that wait for money back when a window may have rolled. Call `look` often. */
export interface Promoter {
  look(): Promise<void>
}

export function createPromoter(queues: Queues, clock: DriverClock, policy: Policy): Promoter {
  const stepMs = rollsByMinute(policy) ? MINUTE_MS : QUARTER_MS
  const stepAt = () => Math.floor(clock.now() / stepMs)
  let step = stepAt()
  return {
    async look() {
      if (stepAt() === step) return
      step = stepAt()
      // A worker that took such a job in the old window's time would park it once more.
      await clock.told()
      await queues.batch.promoteJobs({ count: PAGE_JOBS })
    },
  }
}

function rollsByMinute({ budgets, tiers }: Policy): boolean {
  const funds = [...budgets, ...Object.values(tiers).map(({ budget }) => budget)]
  return funds.some((fund) => fund?.windows.some(({ per }) => per === 'minute'))
}
