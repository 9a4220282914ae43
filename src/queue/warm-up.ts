import type { GovernedRequest } from '../admission/plan-types.ts'
import type { CacheAsked } from '../cache/rules.ts'
import { WARMING, WARMING_TAG } from '../config/policy-warming.ts'
import type { Rules } from './context.ts'
import type { CompletionJob } from './job.ts'
import { enqueueJob, type ProducerParts, prepareJob } from './producer.ts'
import { termsOf } from './terms.ts'

/** A request that nobody waits for. */
export interface WarmUp {
  readonly request: Omit<GovernedRequest, 'urgency'>
  readonly cache: CacheAsked
  /** The same id is handed in once. */
  readonly jobId: string | null
  /** Given up then, unserved. */
  readonly deadlineMs: number
}

/** The job that makes an answer anew, whatever is kept. Pure, but for the id it may draw. */
export function warmJob(
  { request, cache, jobId, deadlineMs }: WarmUp,
  { policy, prices }: Rules,
  parts: Pick<ProducerParts, 'clock'>,
): { readonly job: CompletionJob; readonly handIn: (to: ProducerParts) => Promise<void> } {
  const asked: GovernedRequest = {
    ...request,
    urgency: 'batch',
    tags: { ...request.tags, [WARMING_TAG]: WARMING },
  }
  const bodyBytes = Buffer.byteLength(JSON.stringify(request.body))
  const options = { jobId, deadlineMs, cache: { ...cache, mode: 'refresh' as const }, bodyBytes }
  const how = { stream: false, replyTo: '', lookUp: false, counted: false }
  const terms = termsOf(asked, options, { policy, prices })
  const prepared = { request: asked, options, terms, policy, prices, ...how }
  const job = prepareJob(prepared, parts.clock)
  return {
    job,
    async handIn(to) {
      await enqueueJob(job, prepared, to)
    },
  }
}
