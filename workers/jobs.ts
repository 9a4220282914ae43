import { JOBS, TICKED_JOBS } from '../jobs/index.ts'
import { startJobs } from '../jobs/runner.ts'
import { warmCache } from '../jobs/warm-cache.ts'
import type { Runtime } from '../src/runtime.ts'
import { startScheduler } from '../src/schedule/scheduler.ts'

/** What runs on a schedule, as one of the roles of a process. */
export function startScheduled(runtime: Runtime): { close(): Promise<void> } {
  const { WARM_CACHE_ON_START } = runtime.options
  const housekeeping = startJobs(JOBS, runtime, WARM_CACHE_ON_START ? [warmCache] : [])
  // A replay's clock may jump over months of ticks that are not its own.
  const ticked = runtime.clock.virtual ? [] : TICKED_JOBS
  const scheduler = startScheduler(ticked, { ...runtime, parts: runtime })
  return {
    async close() {
      await Promise.all([housekeeping.close(), scheduler.close()])
    },
  }
}
