import type { ConcludeCommand } from '../admission/commands.ts'
import type { Outcome } from '../admission/outbox.ts'
import { messageOf } from '../errors.ts'
import { levelFor } from '../telemetry/level-for.ts'
import type { WorkContext } from './context.ts'
import type { Disposition } from './disposition.ts'
import { type CompletionJob, metaOf } from './job.ts'
import { logged, tellEnd } from './logged.ts'
import { type Denied, writeDenied } from './result-body.ts'

export type DeniedOutcome = Exclude<Outcome, 'answered' | 'cached' | 'joined'>

type ConcludeContext = Pick<WorkContext, 'store' | 'metrics' | 'logger' | 'resultTtlMs'>

const TRIES = 3
/** The slot could not be told: the job comes back and ends then. */
export const SLOT_RETRY_MS = 1_000

/** Ends a request without an answer: one row, one typed error for the caller. The first end wins. */
export const concludeDenied = (
  job: CompletionJob,
  context: ConcludeContext,
  outcome: DeniedOutcome,
  error: Denied,
): Promise<Disposition> =>
  conclude(job, context, {
    outcome,
    reason: error.code,
    result: writeDenied(outcome, error),
  }).then((disposition) =>
    outcome === 'failed' && disposition.do === 'finish' && disposition.as === 'failed'
      ? { do: 'fail', code: error.code, message: error.message }
      : disposition,
  )

/** How a request ends: its row, and the result that is written already. */
export type End = Pick<ConcludeCommand, 'outcome' | 'reason' | 'result' | 'uncount' | 'savedNano'>

/** Ends a request. The first end wins. */
export async function conclude(
  job: CompletionJob,
  { store, metrics, logger, resultTtlMs }: ConcludeContext,
  end: End,
): Promise<Disposition> {
  const { outcome } = end
  const command: ConcludeCommand = {
    ...end,
    job: job.id,
    meta: JSON.stringify(metaOf(job)),
    replyTo: job.replyTo,
    resultTtlMs,
    hasBody: job.body === null,
  }
  for (let tried = 0; tried < TRIES; tried++) {
    try {
      const reply = await store.conclude(command)
      if (reply.outcome === 'already') return { do: 'finish', as: reply.as }
      if (reply.outcome !== 'concluded') break
      metrics.requests.inc({ outcome, tier: job.tier })
      tellEnd(job, outcome, logger)
      return { do: 'finish', as: outcome }
    } catch (error) {
      logger[levelFor(error)](
        { ...logged(job), reason: messageOf(error) },
        'the end of a request was not written',
      )
    }
  }
  return { do: 'park', delayMs: SLOT_RETRY_MS, by: 'slot' }
}
