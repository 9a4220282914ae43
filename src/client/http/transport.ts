import { BursarError, messageOf } from '../../errors.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With its query. */
  readonly path: string
  /** JSON. */
  readonly body?: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

export interface HttpReply {
  readonly status: number
  /** @param name - in lower case. */
  header(name: string): string | null
  readonly body: AsyncIterable<Uint8Array>
}

/** One way to a gateway. It fails as the connection does; nothing is sent twice. */
export interface Transport {
  send(request: HttpRequest): Promise<HttpReply>
  close(): void
  /** Resolves when everything has ended that `close` ends; absent = at once. */
  closed?(): Promise<void>
}

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** @param base - without a slash at its end. */
export function fetchTransport(base: string, fetch: Fetch): Transport {
  return {
    async send({ path, method, body, headers, signal }) {
      const init = { method, headers, signal, redirect: 'manual' as const }
      const response = await fetch(base + path, body === undefined ? init : { ...init, body })
      return {
        status: response.status,
        header: (name) => response.headers.get(name),
        body: bytesOf(response.body),
      }
    },
    close() {},
  }
}

/** Not every browser can iterate a body. */
async function* bytesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array, void> {
  const reader = body?.getReader()
  if (!reader) return
  let isWhole = false
  try {
    for (;;) {
      const next = await reader.read()
      isWhole = next.done
      if (next.done) return
      yield next.value
    }
  } finally {
    if (!isWhole) await reader.cancel().catch(() => {})
  }
}

/** The connection was never made, so that nothing arrived. */
const NEVER_ARRIVED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT', 'EACCES'])

/** @returns whether a failed request may have reached the gateway all the same. */
export const mayHaveArrived = (error: BursarError): boolean => !neverArrived(error.cause)

/** @param error - as a transport throws it. */
export const neverArrived = (error: unknown): boolean => NEVER_ARRIVED.has(String(codeOf(error)))

/** Names a failed connection. */
export function unavailable(address: string, cause: unknown): BursarError {
  const why = codeOf(cause) ?? messageOf(cause)
  return new BursarError(
    'GATEWAY_UNAVAILABLE',
    `the gateway at ${address} does not answer (${why}): start it (npx bursar start), or correct BURSAR_URL`,
    { cause, retryable: true },
  )
}

/** `fetch` wraps what happened to the connection, once or twice. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return codeOf(error.cause)
}
