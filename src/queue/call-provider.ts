import type { CallOutcome, ProviderRequest } from '../provider/types.ts'
import type { Admitted } from './admit-request.ts'
import type { WorkContext } from './context.ts'
import type { LoadedJob } from './job.ts'

export interface SeenCall {
  readonly outcome: CallOutcome
  readonly startedAtMs: number
  readonly endedAtMs: number
}

type CallParts = Pick<WorkContext, 'provider' | 'renewer' | 'chunks' | 'metrics'>

/** Sends once, under the hold, and relays the chunks of a stream; every end is an outcome. */
export async function callProvider(
  job: LoadedJob,
  admitted: Admitted,
  { provider, renewer, chunks, metrics }: CallParts,
  signal: AbortSignal,
): Promise<SeenCall> {
  const { hold } = admitted
  const { attemptId, n } = hold.terms
  const request = requestFor(job, admitted)
  const log = job.stream ? chunks.open(job.id, n) : null
  const startedAtMs = Date.now()
  renewer.add(attemptId, job.id)
  try {
    const outcome = await provider.call(
      hold,
      request,
      log ? { signal, onChunk: (chunk) => log.write(chunk) } : { signal },
    )
    // Only a whole answer has an end mark; what was written of another is superseded by the next take, or the error.
    if (log && outcome.seen === 'answer') await log.end()
    const endedAtMs = Date.now()
    metrics.callSeconds.observe({ model: request.model }, (endedAtMs - startedAtMs) / 1_000)
    countCall(request, outcome, metrics)
    return { outcome, startedAtMs, endedAtMs }
  } finally {
    renewer.remove(attemptId)
  }
}

function countCall(
  { operation, provider }: ProviderRequest,
  outcome: CallOutcome,
  { calls, providerLimits }: WorkContext['metrics'],
): void {
  calls.inc({ operation, seen: outcome.seen })
  if (outcome.seen === 'unbilled-error' && outcome.status === 429) providerLimits.inc({ provider })
}

function requestFor(job: LoadedJob, { plan, hold }: Admitted): ProviderRequest {
  const { rung, capTokens } = hold.terms
  const planned = plan.rungs[rung]
  // The slot answers with an index of what was offered; anything else is a bug, found before money is sent.
  if (!planned) throw new RangeError(`rung ${rung} was never offered`)
  const { provider, upstreamModel, reasoningEffort, serviceTier } = planned.rung
  return {
    operation: job.operation,
    provider,
    model: upstreamModel,
    body: job.body,
    outputCapTokens: job.operation === 'embeddings' ? null : capTokens,
    reasoningEffort,
    serviceTier,
    stream: job.stream,
  }
}
