import { newJobId } from '../../queue/ids.ts'
import type { Client } from '../client-type.ts'
import { clientThrough } from './client-through.ts'
import type { Fetch } from './transport.ts'
import { transportTo } from './transport-to.ts'

export interface HttpClientOptions {
  /** The gateway: `http://127.0.0.1:8080`, or `unix:/run/bursar.sock`. */
  readonly url: string
  /** Sent as `authorization: Bearer ...`, for what guards the gateway. */
  readonly apiKey?: string
  /** Absent = Node's own. */
  readonly fetch?: Fetch
}

/**
 * Creates a client that talks to a gateway over HTTP; it behaves like the one that talks to Redis, and needs nothing
 * but Node. Nothing is connected before the first call. Waiting outlives restarts of the gateway.
 * @throws {BursarError} INVALID_OPTIONS when the address cannot be one.
 */
export function createHttpClient({ url, apiKey, fetch }: HttpClientOptions): Client {
  return clientThrough(transportTo(url, fetch), url, { apiKey, newJobId })
}
