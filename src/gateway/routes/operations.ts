import type { FastifyInstance } from 'fastify'
import type { GatewayParts } from '../parts.ts'
import { createReadiness } from '../readiness.ts'
import { watchServers } from '../watch-requests.ts'

/** For whoever runs the process. */
export function operationRoutes(app: FastifyInstance, { runtime, closing }: GatewayParts): void {
  const readiness = createReadiness(runtime)
  const { registry } = runtime.metrics
  watchServers(registry, readiness)

  // Touches nothing: a process is not restarted because Redis is away.
  app.get('/health', async () => {
    const sinceMs = runtime.guard?.openSinceMs ?? null
    return sinceMs === null
      ? { alive: true, status: 'ok' }
      : { alive: true, status: 'degraded', redisAwaySince: new Date(sinceMs).toISOString() }
  })

  app.get('/ready', async (_, reply) => {
    const now = await readiness()
    const isAway = (runtime.guard?.openSinceMs ?? null) !== null
    const ready = now.ready && !closing.aborted && !isAway
    return reply.code(ready ? 200 : 503).send({ ...now, ready })
  })

  app.get('/metrics', async (_, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
}
