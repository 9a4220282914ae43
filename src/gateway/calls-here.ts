import type { HereRunner } from '../client/submit.ts'
import { messageOf } from '../errors.ts'
import { createInline, isInline } from '../queue/inline.ts'
import { openWork, type Work } from '../runtime/work-context.ts'
import type { Runtime } from '../runtime.ts'

/** Calls providers for the gateway's own requests. */
export interface CallsHere extends HereRunner {
  /** Lets calls end, cuts them off after SHUTDOWN_TIMEOUT_MS, and waits a little for what is owed to the slot. */
  close(): Promise<void>
}

/**
 * Prepares a gateway to call providers itself, where the policy says `execute: inline`. What a worker needs is opened at
 * the start when the policy says so then, else at the first request for which a later policy does.
 */
export async function startCallsHere(runtime: Runtime): Promise<CallsHere> {
  const { queues, options, logger, rules } = runtime
  let work: Work | null = null
  let opening: Promise<void> | null = null
  const inline = createInline({
    ...{ queues, logger, concurrency: options.WORKER_CONCURRENCY },
    context: () => work?.context ?? null,
  })
  const open = () => {
    opening ??= openWork(runtime, inline.abort)
      .then((opened) => {
        work = opened
      })
      .catch((error: unknown) => {
        opening = null
        logger.warn({ reason: messageOf(error) }, 'calls are left to the workers for now')
      })
    return opening
  }
  const { defaults, tiers } = rules.current().policy
  const isWanted = [defaults, ...Object.values(tiers)].some(({ execute }) => execute === 'inline')
  if (isWanted) await open()
  return {
    wants(job, policy) {
      if (!isInline(job, policy)) return false
      if (work === null) void open()
      return work !== null
    },
    take: inline.take,
    async close() {
      await inline.close(options.SHUTDOWN_TIMEOUT_MS)
      await opening
      await work?.close()
    },
  }
}
