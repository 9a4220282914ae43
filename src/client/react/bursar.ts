import type { Client } from '../client-type.ts'
import { clientThrough } from '../http/client-through.ts'
import { createHttpLink } from '../http/link.ts'
import { told } from '../http/patience.ts'
import type { Json } from '../http/read-reply.ts'
import { type Fetch, fetchTransport } from '../http/transport.ts'
import { createQueryStore, type QueryStore } from './query-store.ts'

export interface BrowserOptions {
  /**
   * Where the gateway is, as the page sees it: `/bursar`, a path of the page's own server that hands on to it, or an
   * address. Without a slash at its end.
   */
  readonly url: string
  /**
   * Whoever opens the page can read it: give a key of one user that ends soon (`--user --expires 1h`), or none, and let
   * the page's server add its own.
   */
  readonly apiKey?: string
  /** Absent = the browser's own. */
  readonly fetch?: Fetch
}

/** What the hooks of a page share: one for a page, made outside of its components. */
export interface BrowserBursar {
  readonly client: Client
  readonly queries: QueryStore
  /** Asks what an operator may ask. @throws {BursarError} as the gateway answers. */
  askOperator(name: string, input: object, signal: AbortSignal): Promise<Json>
}

const ASK_MS = 30_000

/** Opens nothing: what a hook wants is asked for when its component is there. */
export function createBrowserBursar(options: BrowserOptions): BrowserBursar {
  const { url, apiKey, fetch = (address, init) => globalThis.fetch(address, init) } = options
  const transport = fetchTransport(url, fetch)
  const link = createHttpLink(transport, url, apiKey)
  return {
    client: clientThrough(transport, url, { apiKey, newJobId }),
    queries: createQueryStore(),
    askOperator: (name, input, signal) => {
      const body = JSON.stringify(input)
      const path = `/v1/admin/${name}`
      return told(link.ask({ method: 'POST', path, body, signal, limitMs: ASK_MS }))
    },
  }
}

const RANDOM_BYTES = 16

/** As Node's clients draw them: sorted by time, never used again. A page without TLS has no `randomUUID`. */
function newJobId(): string {
  const random = globalThis.crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))
  const digits = Array.from(random, (byte) => (byte & 31).toString(32)).join('')
  return `${Date.now().toString(32).padStart(10, '0')}${digits}`.toUpperCase()
}
