import type { Abort } from '../src/queue/disposition.ts'
import { QUEUES } from '../src/queue/names.ts'
import { type CompletionWorker, startCompletionWorker } from '../src/queue/worker.ts'
import { openWork } from '../src/runtime/work-context.ts'
import type { Runtime } from '../src/runtime.ts'

export interface CompletionWorkers {
  /**
   * Takes nothing new and lets running jobs end; cuts them off when the time is over, and then waits a little for what
   * is still owed to the slot.
   */
  close(limitMs?: number): Promise<void>
}

/** Wiring alone: a worker per queue over one runtime. The caller closes it before the runtime. */
export async function startCompletionWorkers(runtime: Runtime): Promise<CompletionWorkers> {
  const { options } = runtime
  const workers: CompletionWorker[] = []
  const abort = (job: string, reason: Abort) => {
    for (const worker of workers) worker.abort(job, reason)
  }
  const work = await openWork(runtime, abort)
  for (const queue of QUEUES) {
    workers.push(
      startCompletionWorker({
        queue,
        context: work.context,
        backend: runtime.backend,
        concurrency: options.WORKER_CONCURRENCY,
        lockMs: options.JOB_LOCK_MS,
        stalledIntervalMs: options.STALLED_INTERVAL_MS,
      }),
    )
  }
  await Promise.all(workers.map((worker) => worker.ready()))
  return {
    async close(limitMs = options.SHUTDOWN_TIMEOUT_MS) {
      await Promise.all(workers.map((worker) => worker.close(limitMs)))
      await work.close()
    },
  }
}
