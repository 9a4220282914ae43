import type { WatchedClient } from '../client/client-type.ts'
import { createLink } from '../client/link.ts'
import { localLink } from '../client/local-link.ts'
import { clientOver } from '../client/over-link.ts'
import type { Runtime } from '../runtime.ts'

/**
 * A client of the Bursar that this process runs; close it before the runtime. Embedded it has the parts at hand. In Redis
 * it has a connection of its own, whose every command is bounded: the one that workers share waits for ever.
 */
export function clientOf(runtime: Runtime): WatchedClient {
  const { options, clock, store, queues, logs, shelf } = runtime
  const link =
    logs === null ? createLink(options, clock) : localLink({ store, queues, logs, shelf })
  return clientOver(link, clock)
}
