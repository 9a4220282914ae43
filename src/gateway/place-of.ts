import { embeddedPlace } from '../admin/place/embedded.ts'
import { type OpenPlace, storesPlace } from '../admin/place/stores.ts'
import type { GatewayRuntime } from './parts.ts'

/** With servers to ask, over connections of its own: a scan of an hour must not hold up a call. */
export function placeOf(runtime: GatewayRuntime): OpenPlace {
  if (runtime.redis) return storesPlace(runtime.options, runtime.env)
  return { ...embeddedPlace(runtime), close: async () => {} }
}
