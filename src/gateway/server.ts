import { createServer, type Server } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { WatchedClient } from '../client/client-type.ts'
import { createApp } from './app.ts'
import { type Listening, noteConnections } from './authorize.ts'
import { prepareEnd } from './end-server.ts'
import { listenOnPort, listenOnSocket } from './listen.ts'
import type { GatewayRuntime } from './parts.ts'
import { refuseConnection } from './refuse-connection.ts'

export interface GatewayOptions {
  /** The parts that routes look at. They stay the caller's: `close()` leaves them open. */
  readonly runtime: GatewayRuntime
  /** Hands jobs in. It stays the caller's too. */
  readonly client: WatchedClient
  /** Absent = 127.0.0.1. */
  readonly host?: string
  /** 0 = any free one; null = no port at all, the socket alone. */
  readonly port: number | null
  /** A unix socket to listen on as well; only its owner may use it. */
  readonly socketPath?: string
  /** How long requests under way may take to end when it closes, ms; 5 s when absent. */
  readonly closeTimeoutMs?: number
}

/** A gateway that listens. */
export interface Gateway {
  /** e.g. `http://127.0.0.1:8080`; '' without a port. */
  readonly url: string
  /**
   * Takes no more connections, answers whoever waits with what there is, and cuts who is left after the limit.
   * Safe to call twice.
   */
  close(): Promise<void>
}

const HOST = '127.0.0.1'
const CLOSE_TIMEOUT_MS = 5_000
/** A request that trickles in is nobody's. */
const REQUEST_TIMEOUT_MS = 120_000
/** Longer than that of the load balancers in front, which would otherwise send into a connection that closes. */
const KEEP_ALIVE_MS = 75_000

/** Serves the HTTP API. @throws {BursarError} INVALID_OPTIONS when it cannot listen there; nothing stays open then. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { runtime, client, host = HOST, port, socketPath } = options
  const closing = new AbortController()
  const app = createApp({ runtime, client, closing: closing.signal })
  await app.ready()
  const ends: ((limitMs: number) => Promise<void>)[] = []
  const serve = (listening: Listening) => {
    const server = createHttpServer(app)
    noteConnections(server, listening)
    ends.push(prepareEnd(server))
    return server
  }
  let ended: Promise<void> | undefined
  const close = () => {
    closing.abort()
    const limitMs = options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS
    ended ??= Promise.all(ends.map((end) => end(limitMs))).then(() => app.close())
    return ended
  }
  try {
    const url = port === null ? '' : await listenOnPort(serve({ on: 'port', host }), host, port)
    if (socketPath !== undefined) await listenOnSocket(serve({ on: 'socket' }), socketPath)
    runtime.logger.info({ url, socketPath }, 'the gateway listens')
    return { url, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A server of our own for each address: Fastify would listen on one alone. */
function createHttpServer(app: FastifyInstance): Server {
  const timeouts = { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS }
  const server = createServer(timeouts, app.routing)
  return server.on('clientError', refuseConnection)
}
