import { messageOf } from '../src/errors.ts'
import type { WorkContext } from '../src/queue/context.ts'
import type { Abort } from '../src/queue/disposition.ts'
import { explainCache } from '../src/queue/explain-cache.ts'
import { createGateBackoff } from '../src/queue/gate-backoff.ts'
import { createLimitQueue } from '../src/queue/limit-queue.ts'
import { QUEUES } from '../src/queue/names.ts'
import { createParkedCount } from '../src/queue/parked-count.ts'
import { refreshAnswer } from '../src/queue/refresh.ts'
import { createRenewer } from '../src/queue/renewer.ts'
import { createWaker } from '../src/queue/waker.ts'
import { type CompletionWorker, startCompletionWorker } from '../src/queue/worker.ts'
import type { Runtime } from '../src/runtime.ts'
import { createOwed } from '../src/slot/owed.ts'
import { levelFor } from '../src/telemetry/level-for.ts'

export interface CompletionWorkers {
  /**
   * Takes nothing new and lets running jobs end; cuts them off when the time is over, and then waits a little for what
   * is still owed to the slot.
   */
  close(limitMs?: number): Promise<void>
}

/** Long enough for a Redis that restarts; what is owed after it, the holds' expiry books. */
const OWED_LIMIT_MS = 10_000

/** Wiring alone: a worker per queue over one runtime. The caller closes it before the runtime. */
export async function startCompletionWorkers(runtime: Runtime): Promise<CompletionWorkers> {
  const { options, store, logger, metrics } = runtime
  const workers: CompletionWorker[] = []
  const abort = (job: string, reason: Abort) => {
    for (const worker of workers) worker.abort(job, reason)
  }
  const waker = createWaker(runtime)
  runtime.life?.book.watch((size) => metrics.answeredFor.set(size))
  const owed = createOwed({
    store,
    logger,
    ...(runtime.life ? { book: runtime.life.book } : {}),
    ...(runtime.intents ? { intents: runtime.intents } : {}),
    wake: (jobs) => waker.wake(jobs),
    onSize: (size) => metrics.owed.set(size),
  })
  const renewer = createRenewer({
    store,
    logger,
    ttlMs: options.HOLD_TTL_MS,
    onLost: (job) => abort(job, 'hold-lost'),
  })
  const context: WorkContext = {
    ...runtime,
    owed,
    renewer,
    refresh: refresherOf(runtime),
    gates: createGateBackoff(),
    parked: createParkedCount(runtime.queues),
    waiting: createLimitQueue((jobs) => waker.wake(jobs)),
    explain: explainCache(options, logger),
    holdTtlMs: options.HOLD_TTL_MS,
    resultTtlMs: options.RESULT_TTL_MS,
  }
  const deaf = await store.onCancel((job) => abort(job, 'cancelled'))
  for (const queue of QUEUES) {
    workers.push(
      startCompletionWorker({
        queue,
        context,
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
      await deaf()
      if (!(await owed.drained(OWED_LIMIT_MS))) {
        logger.error(
          { owed: owed.size },
          'settlements did not reach the slot: their holds will be booked whole',
        )
      }
      renewer.close()
      await waker.close()
    },
  }
}

/** What was served stale, the next one who is served it has made anew when this process could not. */
function refresherOf(runtime: Runtime): NonNullable<WorkContext['refresh']> {
  const { store, clock, kept, rules, logger } = runtime
  const parts = { store, clock, kept, queues: () => runtime.queues }
  return (job) =>
    void refreshAnswer(job, rules.current(), parts).catch((error: unknown) => {
      logger[levelFor(error)]({ reason: messageOf(error) }, 'a stale answer is not made anew yet')
    })
}
