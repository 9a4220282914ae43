import type { FastifyInstance, FastifyRequest } from 'fastify'
import { authorize } from '../authorize.ts'
import { closingError } from '../closing.ts'
import { errorReply } from '../error-reply.ts'
import { type ServerEvent, writeEvents } from '../event-stream.ts'
import { createLiveEvents } from '../events/live.ts'
import type { GatewayParts } from '../parts.ts'
import { sendEvents } from './job-events.ts'

/** What happens, for operators who watch. */
export function adminEventRoutes(app: FastifyInstance, { runtime, closing }: GatewayParts): void {
  const live = createLiveEvents(runtime)
  app.addHook('onClose', async () => live.close())
  const onRequest = async (request: FastifyRequest) => void authorize(request, 'viewer')
  app.get('/v1/admin/events', { onRequest }, async (_, reply) => {
    const inbox = live.listen()
    const cut = (): ServerEvent => ({
      event: 'error',
      data: errorReply(closingError(), Date.now()).body,
    })
    const ending = async () => cut()
    return sendEvents(reply, writeEvents(inbox.events(), { closing, ending, cut }), inbox.close)
  })
}
