import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { keyOf } from '../authorize.ts'
import { closingError } from '../closing.ts'
import { errorReply, nameError } from '../error-reply.ts'
import { type ServerEvent, writeEvents } from '../event-stream.ts'
import { ENDED_ID, jobEvents } from '../events/job-events.ts'
import { jobState } from '../events/job-state.ts'
import { findOwnJob } from '../own-job.ts'
import type { GatewayParts } from '../parts.ts'
import { answeredJob, deniedReply } from '../reply-job.ts'
import { JobParamsSchema, readAs } from '../requests.ts'

/** Whoever listens longer comes back with the last event that they heard. */
const LISTEN_LIMIT_MS = 600_000

/** What happens to a job, told as it happens. */
export function jobEventRoutes(app: FastifyInstance, { client, runtime, closing }: GatewayParts) {
  app.get('/v1/jobs/:id/events', async (request, reply) => {
    const { id } = readAs(JobParamsSchema, request.params)
    await findOwnJob(id, keyOf(request), runtime)
    const heard = request.headers['last-event-id']?.toString() ?? null
    if (heard === ENDED_ID) return reply.code(204).send()
    const left = new AbortController()
    const followed = client.follow(id, { timeoutMs: LISTEN_LIMIT_MS, signal: left.signal })
    const ending = async (): Promise<ServerEvent> => {
      try {
        return { event: 'ended', id: ENDED_ID, data: answeredJob(id, await followed.final) }
      } catch (error) {
        const named = nameError(error, request.id)
        if (named.code === 'UNEXPECTED') reply.log.error({ err: error }, 'a stream broke')
        const { body } = await deniedReply(id, named, runtime)
        if (!('status' in body)) return { event: 'error', data: body }
        return { event: 'ended', id: ENDED_ID, data: body }
      }
    }
    const cut = (): ServerEvent => ({
      event: 'error',
      data: errorReply(closingError(), Date.now()).body,
    })
    const look = () => jobState(id, runtime)
    const events = jobEvents({ id, followed, heard, look, signal: left.signal })
    return sendEvents(reply, writeEvents(events, { closing, ending, cut }), () => left.abort())
  })
}

/** @param onGone - called when nobody listens any more. */
export function sendEvents(
  reply: FastifyReply,
  events: AsyncGenerator<string, void>,
  onGone: () => void,
): FastifyReply {
  const body = Readable.from(events)
  body.once('close', onGone)
  return reply
    .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    .type('text/event-stream; charset=utf-8')
    .send(body)
}
