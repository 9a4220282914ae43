import type { IncomingHttpHeaders } from 'node:http'

/** A request of any framework, as middleware reads it. */
export interface WebRequest<Native = unknown> {
  readonly method: string
  /** Path and query, as they were sent. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** As the framework found it out: behind a proxy it has to be told to trust that one. */
  readonly ip: string | undefined
  /** The framework's own object. */
  readonly native: Native
}

export type Headers = Readonly<Record<string, string>>

/** An answer that middleware gives instead of the application. */
export interface Instead {
  readonly status: number
  readonly headers: Headers
  readonly body: string | Buffer
}

export const headerOf = (
  { headers }: Pick<WebRequest, 'headers'>,
  name: string,
): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
