import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { StreamRequest } from '../../client/types.ts'
import { isBursarError } from '../../errors.ts'
import { newJobId } from '../../queue/ids.ts'
import type { LimitReport } from '../../queue/limit-words.ts'
import { keyOf } from '../authorize.ts'
import { verdictHeader, withCacheHeaders } from '../cache-headers.ts'
import { closingError } from '../closing.ts'
import { errorReply, nameError } from '../error-reply.ts'
import { eventStream, type ServerEvent } from '../event-stream.ts'
import { withWebhook } from '../job-webhook.ts'
import { limitHeaders } from '../limit-headers.ts'
import { narrowed } from '../narrowed.ts'
import { assertOwnId, findOwnJob } from '../own-job.ts'
import type { GatewayParts } from '../parts.ts'
import {
  type AnsweredJob,
  answeredJob,
  deniedReply,
  type HandedIn,
  handedIn,
  storedAnswer,
} from '../reply-job.ts'
import { JobParamsSchema, JobSchema, readAs, WaitQuerySchema } from '../requests.ts'
import { waitFor } from '../wait-for.ts'
import { noteError } from '../watch-requests.ts'

/** How long a stream lasts when nobody says. */
const STREAM_LIMIT_MS = 600_000

/** A job that somebody asks about. */
interface Turn {
  readonly id: string
  readonly reply: FastifyReply
  readonly parts: GatewayParts
  /** @throws {BursarError} when the id is somebody else's: nothing is told before. */
  readonly assertOwn: () => Promise<void>
}

/** Handing jobs in, asking for them, cancelling them. */
export function jobRoutes(app: FastifyInstance, parts: GatewayParts): void {
  const { client, runtime } = parts

  app.post('/v1/jobs', async (request, reply) => {
    const { wait } = readAs(WaitQuerySchema, request.query)
    const job = readAs(JobSchema, request.body)
    const id = job.request.jobId ?? newJobId()
    const heard = withCacheHeaders(request.headers, job.request)
    const asked = { ...narrowed(request, heard, runtime), jobId: id }
    const assertOwn = async () => {
      // One that was drawn here is nobody else's, and one that is no id was refused.
      const given = JobParamsSchema.safeParse({ id: job.request.jobId })
      if (given.success) await assertOwnId(id, keyOf(request), runtime)
    }
    const turn = { id, reply, parts, assertOwn }
    const told = { onLimits: tellLimits(reply) }
    const wanted = { job: id, webhook: job.webhook, tenant: asked.tenant }
    return withWebhook(wanted, runtime, async () => {
      if (job.stream) return streamJob(turn, asked, wait ?? STREAM_LIMIT_MS)
      if (wait) {
        const running = client.run(asked, { ...told, timeoutMs: wait })
        return answer(turn, orStillGoing(id, running, parts))
      }
      const { status } = await client.enqueue(asked, told)
      await assertOwn()
      return send(reply, handedIn(id, status))
    })
  })

  app.get('/v1/jobs/:id', async (request, reply) => {
    const { id } = readAs(JobParamsSchema, request.params)
    const { wait } = readAs(WaitQuerySchema, request.query)
    const found = await findOwnJob(id, keyOf(request), runtime)
    const look = async () => {
      if (found !== 'queued') return storedAnswer(id, found.stored)
      if (!wait) return handedIn(id)
      return orStillGoing(id, client.result(id, { timeoutMs: wait }), parts)
    }
    return answer({ id, reply, parts, assertOwn: async () => {} }, look())
  })

  app.delete('/v1/jobs/:id', async (request) => {
    const { id } = readAs(JobParamsSchema, request.params)
    const key = keyOf(request)
    if (key !== null) await findOwnJob(id, key, runtime)
    const { status } = await client.cancel(id)
    return { id, status }
  })
}

/** Says in headers how the limits stand, unless the answer went out before that was known. */
const tellLimits = (reply: FastifyReply) => (limits: readonly LimitReport[]) => {
  if (!reply.sent) reply.headers(limitHeaders(limits, Date.now()))
}

/** Answers with a job as it stands; one that ended badly is an error that says so. */
async function answer(
  { id, reply, parts: { runtime }, assertOwn }: Turn,
  looking: Promise<AnsweredJob | HandedIn>,
): Promise<FastifyReply> {
  await looking.catch(() => {})
  await assertOwn()
  try {
    return send(reply, await looking)
  } catch (error) {
    if (!isBursarError(error)) throw error
    noteError(reply.request, error.code)
    const { status, headers, body } = await deniedReply(id, error, runtime)
    return reply.code(status).headers(headers).send(body)
  }
}

function send(reply: FastifyReply, job: AnsweredJob | HandedIn): FastifyReply {
  if (job.status === 'queued') reply.code(202).header('location', job.url)
  if ('receipt' in job) reply.headers(verdictHeader(job.receipt))
  return reply.send(job)
}

async function orStillGoing(
  id: string,
  work: ReturnType<GatewayParts['client']['result']>,
  { closing }: GatewayParts,
): Promise<AnsweredJob | HandedIn> {
  try {
    const waited = await waitFor(work, closing)
    return typeof waited === 'string' ? handedIn(id) : answeredJob(id, waited.done)
  } catch (error) {
    if (isBursarError(error, 'WAIT_TIMEOUT')) return handedIn(id)
    throw error
  }
}

/**
 * Streams an answer. Whoever loses the connection may send the same request with the same job id again: it joins the
 * answer from its first piece.
 */
async function streamJob(
  { id, reply, parts: { client, closing, runtime }, assertOwn }: Turn,
  request: StreamRequest,
  timeoutMs: number,
): Promise<FastifyReply> {
  const stream = client.stream(request, { timeoutMs, onLimits: tellLimits(reply) })
  // Until it was handed in, nothing has been written: a refusal still answers with its HTTP status.
  await stream.jobId
  await assertOwn()
  const ending = async (): Promise<ServerEvent> => {
    try {
      return { event: 'answer', data: answeredJob(id, await stream.final) }
    } catch (error) {
      const named = nameError(error, reply.request.id)
      if (named.code === 'UNEXPECTED') reply.log.error({ err: error }, 'a stream broke')
      return { event: 'error', data: (await deniedReply(id, named, runtime)).body }
    }
  }
  const cut = (): ServerEvent => ({
    event: 'error',
    data: errorReply(closingError(), Date.now()).body,
  })
  const events = eventStream(handedIn(id), stream, { closing, ending, cut })
  return reply
    .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    .type('text/event-stream; charset=utf-8')
    .send(Readable.from(events))
}
