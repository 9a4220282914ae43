import { closeEverywhere } from './daily-close.ts'
import type { TickedJob } from './runner.ts'

const DAY_MS = 86_400_000
/** By then the provider's invoice is there, and what nobody saw is confirmed or waived. */
const LOOK_BACK_MS = 62 * DAY_MS

/** Months, and all that came late to the days of the last two. */
export const monthlyClose: TickedJob = {
  name: 'monthly-close',
  about: 'seal the months that ended in each timezone of the policy; name what came late',
  schedule: '22 */6 * * *',
  missed: 'latest',
  limitMs: 3_600_000,
  async run(runtime, { signal }) {
    const days = await closeEverywhere(runtime, { per: 'day', backMs: LOOK_BACK_MS, signal })
    const months = await closeEverywhere(runtime, { per: 'month', backMs: LOOK_BACK_MS, signal })
    const adjusted = days.adjusted + months.adjusted
    return months.sealed + adjusted > 0 ? { sealed: months.sealed, adjusted } : undefined
  },
}
