import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { assertSigned } from '../../access/webhook-signature.ts'
import { giveTier } from '../../admin/users.ts'
import { BursarError } from '../../errors.ts'
import type { GatewayParts, GatewayRuntime } from '../parts.ts'
import { parseJson, readText } from '../read-body.ts'
import { readAs } from '../requests.ts'

const MOST_BYTES = 64 * 1_024

const name = z.string().trim().min(1).max(256)
/** What a subscription system says of a user. */
export const EventSchema = z.strictObject({
  /** The same in every copy of the message; `webhook-id` repeats it. */
  id: z.string().min(1).max(200),
  user: name,
  /** Absent = the policy's default tenant. */
  tenant: name.optional(),
  /** null = none is given any more: the policy says again. */
  tier: name.nullable(),
  /** First instant at which it counts no more. */
  until: z.iso.datetime({ offset: true }).transform(Date.parse).optional(),
  reason: z.string().trim().max(500).default(''),
})

/** What other systems tell: signed messages, each of which counts once. */
export function webhookRoutes(app: FastifyInstance, { runtime }: GatewayParts): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // As it came: the signature is of its bytes, not of what it says.
    scope.addContentTypeParser('application/json', (_: FastifyRequest, body: IncomingMessage) =>
      readText(body, MOST_BYTES),
    )
    scope.post('/v1/webhooks/subscriptions', async ({ headers, body }) => {
      const text = typeof body === 'string' ? body : ''
      const id = headerIn(headers, 'webhook-id')
      const timestamp = headerIn(headers, 'webhook-timestamp')
      const signatures = headerIn(headers, 'webhook-signature')
      assertSigned({ id, timestamp, signatures, body: text }, secretsOf(runtime), Date.now())
      const event = readAs(EventSchema, parseJson(text))
      if (event.id !== id) throw twoIds()
      const { user, tenant, tier, until: untilMs = null, reason } = event
      const place = {
        by: `webhook ${id}`,
        ledger: async () => runtime.ledger,
        tiers: async () => runtime.shelf.tiers,
      }
      return giveTier(place, { user, tenant, tier, untilMs, reason, event: id }, Date.now())
    })
  })
}

const headerIn = (headers: FastifyRequest['headers'], header: string): string =>
  String(headers[header] ?? '')

function secretsOf({ options }: Pick<GatewayRuntime, 'options'>): readonly string[] {
  const secret = options.BURSAR_WEBHOOK_SECRET
  if (secret !== undefined) return secret.split(',')
  const message =
    'no subscription system may write here: set BURSAR_WEBHOOK_SECRET, and sign with it'
  throw new BursarError('UNKNOWN_ROUTE', message)
}

const twoIds = (): BursarError =>
  new BursarError('INVALID_REQUEST', 'webhook-id and the id in the body differ: send one id twice')
