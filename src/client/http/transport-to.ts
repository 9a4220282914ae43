import { BursarError } from '../../errors.ts'
import { socketTransport } from './socket-transport.ts'
import { type Fetch, fetchTransport, type Transport } from './transport.ts'

/**
 * The way to an address: `http://127.0.0.1:8080`, or `unix:/run/bursar.sock`.
 * @throws {BursarError} INVALID_OPTIONS when it cannot be one.
 */
export function transportTo(address: string, fetch: Fetch = globalThis.fetch): Transport {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url?.protocol === 'unix:' && url.pathname.startsWith('/')) {
    return socketTransport(decodeURIComponent(url.pathname))
  }
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (url && isHttp && url.username === '' && url.password === '' && url.search === '') {
    return fetchTransport(url.href.replace(/[/#]+$/, ''), fetch)
  }
  throw new BursarError(
    'INVALID_OPTIONS',
    'the address of the gateway is wrong: write http://host:port without a user or a query (keys go into apiKey), or unix:/path/of/the.sock',
    { detail: { name: 'BURSAR_URL' } },
  )
}
