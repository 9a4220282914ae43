import { ALERTS_KEPT_DAYS, forgetAlerts } from '../src/alerts/forget.ts'
import { forgetProcesses } from '../src/ledger/processes.ts'
import { QUEUES } from '../src/queue/names.ts'
import { forgetRuns } from '../src/schedule/history.ts'
import type { TickedJob } from './runner.ts'

const DAY_MS = 86_400_000
/** Runs of jobs are what an auditor asks about. */
const RUNS_KEPT_MS = 400 * DAY_MS
const PROCESSES_KEPT_MS = DAY_MS
/** BullMQ drops ended jobs as others end; in a queue that has become quiet nobody does. */
const ENDED_KEPT_MS = DAY_MS
const PAGE_JOBS = 1_000

/** Forgets what nobody needs any more and nothing else takes away. */
export const cleanup: TickedJob = {
  name: 'cleanup',
  about: 'forget ended jobs of the queues, old runs, old alerts and dead processes',
  schedule: '17 3 * * *',
  missed: 'latest',
  limitMs: 600_000,
  async run({ ledger, queues }, { atMs, signal }) {
    let jobs = 0
    for (const name of QUEUES) {
      for (const state of ['completed', 'failed'] as const) {
        for (let dropped = PAGE_JOBS; dropped === PAGE_JOBS && !signal.aborted; ) {
          dropped = (await queues[name].clean(ENDED_KEPT_MS, PAGE_JOBS, state)).length
          jobs += dropped
        }
      }
    }
    const runs = await forgetRuns(ledger, atMs - RUNS_KEPT_MS)
    const processes = await forgetProcesses(ledger, PROCESSES_KEPT_MS)
    const alerts = await forgetAlerts(ledger, atMs - ALERTS_KEPT_DAYS * DAY_MS)
    return { jobs, runs, alerts, processes }
  },
}
