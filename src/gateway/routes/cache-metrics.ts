import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { cacheHealth } from '../../admin/cache/health.ts'
import { cacheStats } from '../../admin/cache/stats.ts'
import { authorize } from '../authorize.ts'
import type { GatewayParts } from '../parts.ts'
import { placeOf } from '../place-of.ts'
import { readAs } from '../requests.ts'

/** What is told of the cache: today, whether it is well, or the last seven days. */
export const CacheMetricsSchema = z.strictObject({
  type: z.enum(['summary', 'health', 'report']).default('summary'),
})

const REPORT_DAYS = 7

/** What the cache did, by a plain GET, for dashboards that can do no more. */
export function cacheMetricRoutes(app: FastifyInstance, { runtime }: GatewayParts): void {
  const onRequest = async (request: FastifyRequest) => void authorize(request, 'viewer')
  app.get('/v1/admin/cache/metrics', { onRequest }, async (request) => {
    const { type } = readAs(CacheMetricsSchema, request.query)
    const place = placeOf(runtime)
    try {
      if (type === 'health') return await cacheHealth.run(place, {})
      return await cacheStats.run(place, { days: type === 'report' ? REPORT_DAYS : 1 })
    } finally {
      await place.close()
    }
  })
}
