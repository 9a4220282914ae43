import { messageOf } from '../errors.ts'
import { warmTokenizer } from '../pricing/tokenizer.ts'
import type { WorkContext } from '../queue/context.ts'
import type { Abort } from '../queue/disposition.ts'
import { explainCache } from '../queue/explain-cache.ts'
import { createGateBackoff } from '../queue/gate-backoff.ts'
import { createLimitQueue } from '../queue/limit-queue.ts'
import { createParkedCount } from '../queue/parked-count.ts'
import { refreshAnswer } from '../queue/refresh.ts'
import { createRenewer } from '../queue/renewer.ts'
import { createWaker } from '../queue/waker.ts'
import type { Runtime } from '../runtime.ts'
import { createOwed } from '../slot/owed.ts'
import { levelFor } from '../telemetry/level-for.ts'

/** What processing requests needs beside the runtime, for a worker or a gateway that calls providers itself. */
export interface Work {
  readonly context: WorkContext
  /** To be called when nothing runs any more: waits a little for what is still owed to the slot. */
  close(): Promise<void>
}

/** Long enough for a Redis that restarts; what is owed after it, the holds' expiry books. */
const OWED_LIMIT_MS = 10_000

/** @param abort - cuts a call of this process short, wherever it runs. */
export async function openWork(
  runtime: Runtime,
  abort: (job: string, reason: Abort) => void,
): Promise<Work> {
  const { options, store, logger, metrics } = runtime
  // Before anybody is let in: it takes a third of a second of CPU. Who tries Bursar out would wait for it at each start.
  if (runtime.redis !== null) warmTokenizer()
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
  return {
    context,
    async close() {
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
