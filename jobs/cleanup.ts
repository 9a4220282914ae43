import { redisSessions } from '../src/access/sessions/redis/sessions.ts'
import { ALERTS_KEPT_DAYS, forgetAlerts } from '../src/alerts/forget.ts'
import { dataPrefix } from '../src/cache/data/redis-store.ts'
import { sweepData } from '../src/cache/data/sweep.ts'
import { forgetProcesses } from '../src/ledger/processes.ts'
import { outageRoot } from '../src/outage/allowance/start.ts'
import { forgetFolders } from '../src/outage/journal/folders.ts'
import { QUEUES } from '../src/queue/names.ts'
import type { Runtime } from '../src/runtime.ts'
import { forgetRuns } from '../src/schedule/history.ts'
import { callsRoot } from '../src/slot/intents/root.ts'
import type { TickedJob } from './runner.ts'

const DAY_MS = 86_400_000
/** Runs of jobs are what an auditor asks about. */
const RUNS_KEPT_MS = 400 * DAY_MS
const PROCESSES_KEPT_MS = DAY_MS
/** BullMQ drops ended jobs as others end; in a queue that has become quiet nobody does. */
const ENDED_KEPT_MS = DAY_MS
const PAGE_JOBS = 1_000
/** An empty journal is taken over by the next process on its disk, unless none comes. */
const JOURNALS_KEPT_MS = DAY_MS

/** Forgets what nobody needs any more and nothing else takes away. */
export const cleanup: TickedJob = {
  name: 'cleanup',
  about:
    'forget ended jobs and sessions, names of cached data that ended, old runs and alerts, dead processes',
  schedule: '17 3 * * *',
  missed: 'latest',
  limitMs: 600_000,
  async run(runtime, { atMs, signal }) {
    const { ledger } = runtime
    const jobs = await forgetJobs(runtime, signal)
    const runs = await forgetRuns(ledger, atMs - RUNS_KEPT_MS)
    const processes = await forgetProcesses(ledger, PROCESSES_KEPT_MS)
    const alerts = await forgetAlerts(ledger, atMs - ALERTS_KEPT_DAYS * DAY_MS)
    return { jobs, runs, alerts, processes, ...(await forgetInRedis(runtime, signal)) }
  },
}

async function forgetJobs({ queues }: Pick<Runtime, 'queues'>, signal: AbortSignal) {
  let jobs = 0
  for (const name of QUEUES) {
    for (const state of ['completed', 'failed'] as const) {
      for (let dropped = PAGE_JOBS; dropped === PAGE_JOBS && !signal.aborted; ) {
        dropped = (await queues[name].clean(ENDED_KEPT_MS, PAGE_JOBS, state)).length
        jobs += dropped
      }
    }
  }
  return jobs
}

/** Embedded, all of it ends with the process. Journals are those of the disk of whoever runs this tick. */
async function forgetInRedis({ redis, options }: Runtime, signal: AbortSignal) {
  if (redis === null) return {}
  const { BURSAR_PREFIX: prefix, BURSAR_DATA: data } = options
  const sessions = await redisSessions({ redis: redis.commands, prefix }).cleanUp()
  const { tags, index } = await sweepData(redis.commands, dataPrefix(prefix), signal)
  const beforeMs = Date.now() - JOURNALS_KEPT_MS
  const roots = [outageRoot(data), callsRoot(data)]
  const journals = roots.reduce((sum, root) => sum + forgetFolders(root, beforeMs), 0)
  return { sessions, tags, index, journals }
}
