import { tellJobEnds } from '../src/alerts/job-ends/deliver.ts'
import type { ScheduledJob } from './runner.ts'

/** Tells the endpoints that callers named when their jobs have ended. */
export const tellJobEndsJob: ScheduledJob = {
  name: 'tell-job-ends',
  schedule: '* * * * * *',
  async run({ ledger, rules, clock }) {
    // Whoever moves a virtual clock tells nobody.
    if (clock.virtual) return undefined
    const { policy } = rules.current()
    const told = await tellJobEnds({ ledger, policy, now: () => clock.now() })
    return told.delivered + told.failed > 0 ? { ...told } : undefined
  },
}
