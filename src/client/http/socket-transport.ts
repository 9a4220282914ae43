import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Transport } from './transport.ts'

/** The way through a unix socket, which `fetch` does not know. */
export function socketTransport(socketPath: string): Transport {
  // Idle connections of an agent do not keep the process alive.
  const agent = new Agent({ keepAlive: true })
  return {
    async send({ method, path, body, headers, signal }) {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        httpRequest({
          agent,
          socketPath,
          method,
          path,
          signal,
          headers: { host: 'bursar', ...headers, ...length },
        })
          .once('response', resolve)
          .once('error', reject)
          .end(body)
      })
      return {
        status: response.statusCode ?? 0,
        header: (name) => response.headers[name]?.toString() ?? null,
        body: response,
      }
    },
    close: () => agent.destroy(),
  }
}
