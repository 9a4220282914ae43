import type { FastifyInstance } from 'fastify'
import { narrowed } from '../narrowed.ts'
import type { GatewayParts } from '../parts.ts'
import { FieldsSchema, QuotaQuerySchema, RequestSchema, readAs } from '../requests.ts'

/** What is left, and what something would cost. Both take nothing. */
export function accountRoutes(app: FastifyInstance, { client, runtime }: GatewayParts): void {
  app.get('/v1/quota', (request) => {
    const fields = narrowed(request, readAs(FieldsSchema, request.query), runtime, false)
    // Read by name, they have lost which key they came with.
    return client.quota(narrowed(request, readAs(QuotaQuerySchema, fields), runtime))
  })
  app.post('/v1/quote', (request) => {
    const asked = readAs(RequestSchema, request.body)
    return client.quote(narrowed(request, asked, runtime))
  })
}
