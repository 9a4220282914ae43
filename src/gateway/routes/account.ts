import type { FastifyInstance } from 'fastify'
import type { GatewayParts } from '../parts.ts'
import { QuotaQuerySchema, RequestSchema, readAs } from '../requests.ts'

/** What is left, and what something would cost. Both take nothing. */
export function accountRoutes(app: FastifyInstance, { client }: GatewayParts): void {
  app.get('/v1/quota', (request) => client.quota(readAs(QuotaQuerySchema, request.query)))
  app.post('/v1/quote', (request) => client.quote(readAs(RequestSchema, request.body)))
}
