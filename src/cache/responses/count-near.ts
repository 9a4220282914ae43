import { Gauge, type Registry } from 'prom-client'
import type { NearCache } from './near-cache.ts'

/** Shows what the answers at hand take, whenever the registry is read. */
export function countNear(near: NearCache, registry: Registry): NearCache {
  new Gauge({
    name: 'bursar_cache_near_bytes',
    help: 'Answers at hand in this process, bytes',
    registers: [registry],
    collect() {
      this.set(near.bytes)
    },
  })
  return near
}
