import type { Answer } from '../answer.ts'
import type { Client } from '../client-type.ts'
import type { CancelledJob, Identity, ResponseTo, RunOptions } from '../types.ts'
import { orAborted } from './abort.ts'
import { createHttpLink } from './link.ts'
import { told } from './patience.ts'
import { readCancelled, readEnqueued, readQuota, readQuote } from './read-reply.ts'
import { openHttpStream } from './stream.ts'
import type { Transport } from './transport.ts'
import { waitForAnswer } from './wait.ts'
import { writeJob, writeRequest } from './write-request.ts'

const DEFAULT_TIMEOUT_MS = 600_000
/** For what needs no waiting. */
const ASK_MS = 30_000

export interface ThroughOptions {
  readonly apiKey?: string | undefined
  /** Draws ids of jobs, which are never used again. */
  readonly newJobId: () => string
}

/** The client over a way of its own, wherever it runs. @param address - for messages. */
export function clientThrough(
  transport: Transport,
  address: string,
  { apiKey, newJobId }: ThroughOptions,
): Client {
  const link = createHttpLink(transport, address, apiKey)

  const idOf = (request: { readonly jobId?: string } | null | undefined): string =>
    request?.jobId ?? newJobId()

  const cancel = async (jobId: string): Promise<CancelledJob> => {
    const path = `/v1/jobs/${encodeURIComponent(jobId)}`
    return readCancelled(await told(link.ask({ method: 'DELETE', path, limitMs: ASK_MS })))
  }
  const post = (path: string, body: string) =>
    told(link.ask({ method: 'POST', path, body, limitMs: ASK_MS }))

  /** What the answer holds is the provider's word, as in the other client. */
  async function wait<A extends Answer>(
    jobId: string,
    body: string | undefined,
    { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: RunOptions,
  ): Promise<A> {
    const answer = await orAborted(
      signal,
      () => cancel(jobId),
      (ended) =>
        waitForAnswer(link, {
          jobId,
          timeoutMs,
          signal: ended,
          ...(body !== undefined && { body }),
        }),
    )
    return answer as A
  }

  return {
    async run<R extends { readonly jobId?: string }>(request: R, options: RunOptions = {}) {
      const jobId = idOf(request)
      return wait<Answer<ResponseTo<R>>>(jobId, writeJob(request, jobId, false), options)
    },
    async enqueue(request) {
      // Drawn here, so that a reply that was lost can be asked for again under the same id.
      return readEnqueued(await post('/v1/jobs', writeJob(request, idOf(request), false)))
    },
    result: (jobId, { timeoutMs = DEFAULT_TIMEOUT_MS } = {}) =>
      wait(jobId, undefined, { timeoutMs }),
    stream(request, { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
      const jobId = idOf(request)
      return openHttpStream(
        link,
        { jobId, timeoutMs, body: () => writeJob(request, jobId, true) },
        (work) => orAborted(signal, () => cancel(jobId), work),
      )
    },
    cancel,
    quota: async (who) =>
      readQuota(await told(link.ask({ method: 'GET', path: quotaPath(who), limitMs: ASK_MS }))),
    quote: async (request) => readQuote(await post('/v1/quote', writeRequest(request))),
    async close() {
      link.close()
      await transport.closed?.()
    },
  }
}

function quotaPath(who: Identity): string {
  const { tags = {}, ...named }: Partial<Identity> = { ...who }
  const { user, tenant, tier, session, run, resource, ip } = named
  const query = new URLSearchParams()
  const fields = { user, tenant, tier, session, run, resource, ip }
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) query.set(name, value)
  }
  for (const [name, value] of Object.entries(tags)) query.append('tag', `${name}=${value}`)
  return `/v1/quota?${query}`
}
