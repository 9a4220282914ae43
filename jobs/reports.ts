import { postReports } from '../src/alerts/reports/post.ts'
import type { ReportPolicy } from '../src/config/alert-types.ts'
import type { TickedJob } from './runner.ts'

/** The policy says when in its timezone; a quarter of an hour is near enough for every one of them. */
const EACH_QUARTER = '*/15 * * * *'

const reportJob = (every: ReportPolicy['every'], period: string): TickedJob => ({
  name: `${every}-report`,
  about: `send what the last ${period} cost to those whom the policy names`,
  schedule: EACH_QUARTER,
  missed: 'latest',
  limitMs: 120_000,
  async run({ ledger, store, rules, clock }) {
    const { policy } = rules.current()
    const posted = await postReports({ ledger, policy, slot: store, nowMs: clock.now() }, every)
    return posted > 0 ? { posted } : undefined
  },
})

/** Each is sent once, whoever makes it and how often. */
export const weeklyReport = reportJob('weekly', 'week')
export const monthlyReport = reportJob('monthly', 'month')
