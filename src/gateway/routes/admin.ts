import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ADMIN_COMMANDS } from '../../admin/commands.ts'
import { authorize } from '../authorize.ts'
import type { GatewayParts } from '../parts.ts'
import { placeOf } from '../place-of.ts'
import { readJsonBody } from '../read-body.ts'

/** A whole bill, added up by attempt: some 2 million of them. */
const MOST_BYTES = 256 * 1_024 * 1_024

/** What operators ask and order: `POST /v1/admin/<name>`, with the command's input as JSON. */
export function adminRoutes(app: FastifyInstance, { runtime }: GatewayParts): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('application/json', (_: FastifyRequest, body: IncomingMessage) =>
      readJsonBody(body, MOST_BYTES),
    )
    for (const { name, role, answer } of ADMIN_COMMANDS) {
      // Before a body is read, which may be large.
      const onRequest = async (request: FastifyRequest) => void authorize(request, role)
      scope.post(`/v1/admin/${name}`, { onRequest }, async (request) => {
        const place = placeOf(runtime)
        try {
          return await answer({ ...place, by: authorize(request, role) }, request.body)
        } finally {
          await place.close()
        }
      })
    }
  })
}
