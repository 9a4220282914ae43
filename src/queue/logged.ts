import type { Outcome } from '../admission/outbox.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CompletionJob } from './job.ts'

/** What every line about a job says of it: its id, and the one of the HTTP request that it came with. */
export const logged = ({ id, requestId }: Pick<CompletionJob, 'id' | 'requestId'>) =>
  requestId === undefined ? { job: id } : { job: id, requestId }

/** One line for each request, for whoever follows one of them (LOG_LEVEL=debug). */
export const tellEnd = (
  job: Pick<CompletionJob, 'id' | 'requestId'>,
  outcome: Outcome,
  logger: Pick<Logger, 'debug'>,
): void => {
  logger.debug({ ...logged(job), outcome }, 'a request ended')
}
