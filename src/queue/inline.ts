import { Passing } from '../collections/passing.ts'
import { Ring } from '../collections/ring.ts'
import type { Policy } from '../config/policy-types.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { WorkContext } from './context.ts'
import type { Abort, Disposition } from './disposition.ts'
import type { CompletionJob } from './job.ts'
import { processRequest } from './process-request.ts'
import { addJob, type RunsHere } from './producer.ts'
import type { Queues } from './queues.ts'

export interface InlineOptions {
  /** null = not open yet: what comes meanwhile is queued. */
  readonly context: () => WorkContext | null
  readonly queues: Queues
  /** Calls at a time; more are queued. */
  readonly concurrency: number
  readonly logger: Logger
}

/** Runs interactive requests in the process that took them in, instead of a worker. */
export interface Inline extends RunsHere {
  /** Cuts a call short. @returns false when the job does not run here. */
  abort(job: string, reason: Abort): boolean
  /** Takes nothing new, lets calls end, and cuts off what is left after `limitMs`. */
  close(limitMs: number): Promise<void>
}

/** Whether a gateway calls the provider itself for this request: as its tier says, else as the defaults do. */
export const isInline = (
  { urgency, tier }: Pick<CompletionJob, 'urgency' | 'tier'>,
  { defaults, tiers }: Policy,
): boolean => urgency === 'interactive' && (tiers[tier]?.execute ?? defaults.execute) === 'inline'

/** The same take as a worker's, under the same laws; what has to wait or fails goes to the queue, where workers are. */
export function createInline({
  context: open,
  queues,
  concurrency,
  logger,
}: InlineOptions): Inline {
  const running = new Passing<AbortController>()
  const ends = new Ring<Promise<void>>()
  let closed = false

  async function run(job: CompletionJob, priority: number, context: WorkContext): Promise<void> {
    const control = new AbortController()
    running.set(job.id, control)
    try {
      const turn = priority > 1 ? { priority, again: false } : undefined
      const next = await processRequest(job, context, control.signal, turn)
      if (next.do === 'finish') context.explain?.(job, next.as, next.isStale)
      else if (next.do !== 'fail') await handOver(job, priority, next, context)
    } catch (error) {
      logger.error({ job: job.id, reason: messageOf(error) }, 'a call of the gateway broke')
      await handOver(job, priority, { do: 'give-back' }, context)
    } finally {
      running.delete(job.id)
    }
  }

  /** A worker takes it from the beginning: what was held or spent is settled by now. */
  async function handOver(
    job: CompletionJob,
    priority: number,
    next: Exclude<Disposition, { do: 'finish' | 'fail' }>,
    { rules }: WorkContext,
  ): Promise<void> {
    const { attempts } = rules.current().policy.defaults
    await addJob(job, queues, {
      priority: next.do === 'wait-turn' ? next.priority : priority,
      attempts,
      delay: delayOf(next),
    })
  }

  return {
    take(job, priority) {
      const context = open()
      if (closed || !context || running.size >= concurrency || running.has(job.id)) return false
      const end = run(job, priority, context)
        .catch((error: unknown) => {
          logger.error({ job: job.id, reason: messageOf(error) }, 'a job did not reach the queue')
        })
        .finally(() => link.leave())
      const link = ends.add(end)
      return true
    },
    abort(job, reason) {
      const control = running.get(job)
      control?.abort(reason)
      return control !== undefined
    },
    async close(limitMs) {
      closed = true
      const timer = setTimeout(() => {
        for (const control of running.values()) control.abort('drain' satisfies Abort)
      }, limitMs)
      await Promise.all(ends)
      clearTimeout(timer)
    },
  }
}

/** What waits for a limit, a gate or another's answer is judged again by a worker at once, which knows when to wake it. */
function delayOf(next: Exclude<Disposition, { do: 'finish' | 'fail' }>): number {
  if (next.do === 'retry') return next.delayMs
  return next.do === 'park' && next.by === 'slot' ? next.delayMs : 0
}
